/* SPDX-License-Identifier: LGPL-3.0-or-later */

/* Which points are near others, and what Python calls of it. */

#include "calls.h"

#include <stdlib.h>
#include <string.h>

#include "near.h"
#include "room.h"

typedef struct {
    double square;
    int64_t other;
} Hit;

typedef struct {
    int64_t count, room;
    Hit *item;
} Hits;

static int nearer(const void *a, const void *b)
{
    const Hit *one = a, *other = b;
    if (one->square != other->square)
        return one->square < other->square ? -1 : 1;
    return one->other < other->other ? -1 : one->other > other->other;
}

/* First of the keys from `begin` on that is not below a value. */
static int64_t first_from_key(const Points *others, int64_t begin, int64_t value)
{
    int64_t end = begin;
    for (int64_t step = 1; end < others->count && others->keys[end] < value; step *= 2) {
        begin = end + 1;
        end = step < others->count - end ? end + step : others->count;
    }
    while (begin < end) {
        int64_t middle = begin + (end - begin) / 2;
        if (others->keys[middle] < value)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

static int hits_add(Hits *hits, Hit hit)
{
    Hit *item = grown(hits->item, &hits->room, hits->count + 1, sizeof *item);
    if (!item)
        return -1;
    hits->item = item;
    hits->item[hits->count++] = hit;
    return 0;
}

/* Collect what is within reach in a row of cubes; of the nearest alone there is one at most. */
static int look_through(const Points *others, const double *place, int64_t k, int64_t last,
                        const Reach *reach, Hits *hits)
{
    for (; k < others->count && others->keys[k] <= last; k++) {
        const double *there = others->xyz + 3 * k;
        double x = place[0] - there[0], y = place[1] - there[1], z = place[2] - there[2];
        Hit hit = {(x * x + y * y) + z * z, others->numbers[k]};
        if (!(hit.square >= reach->least2 && hit.square <= reach->reach2))
            continue;
        if (reach->most == 1 && hits->count) {
            if (nearer(&hit, hits->item) < 0)
                hits->item[0] = hit;
        } else if (hits_add(hits, hit)) {
            return -1;
        }
    }
    return 0;
}

static int neighbours_add(Neighbours *found, const Hit *hit, int64_t count)
{
    int64_t size = found->count + count;
    void *others = grown(found->others, &found->others_room, size, sizeof *found->others);
    found->others = others ? others : found->others;
    void *squares = grown(found->squares, &found->squares_room, size, sizeof *found->squares);
    found->squares = squares ? squares : found->squares;
    if (!others || !squares)
        return -1;
    for (int64_t k = 0; k < count; k++) {
        found->others[found->count] = hit[k].other;
        found->squares[found->count++] = hit[k].square;
    }
    return 0;
}

int find_near(const Points *points, const Points *others, Reach reach, int64_t *counts,
              Neighbours *found)
{
    int status = 0;
    int64_t begin[9] = {0}, before = INT64_MIN;
    Hits hits = {0};
    for (int64_t k = 0; !status && k < points->count; k++) {
        if (points->keys[k] < before)
            memset(begin, 0, sizeof begin); /* what follows a larger one is sought from there */
        before = points->keys[k];
        hits.count = 0;
        for (int s = 0; !status && s < 9; s++) {
            begin[s] = first_from_key(others, begin[s], before + reach.low[s]);
            status = look_through(others, points->xyz + 3 * k, begin[s], before + reach.high[s],
                                  &reach, &hits);
        }
        if (status || !hits.count) {
            counts[k] = 0;
            continue;
        }
        if (hits.count > 1)
            qsort(hits.item, (size_t)hits.count, sizeof *hits.item, nearer);
        counts[k] = reach.most && hits.count > reach.most ? reach.most : hits.count;
        status = neighbours_add(found, hits.item, counts[k]);
    }
    free(hits.item);
    return status;
}

PyObject *near_points(PyObject *self, PyObject *args)
{
    (void)self;
    /* keys and xyz of points; keys, numbers and xyz of others; low and high; counts */
    Py_buffer b[8] = {{0}};
    Reach reach;
    long long most;
    if (!PyArg_ParseTuple(args, "y*y*y*y*y*y*y*w*ddL", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
                          &b[6], &b[7], &reach.least2, &reach.reach2, &most))
        return NULL;
    Points points = {b[0].len / 8, b[0].buf, NULL, b[1].buf};
    Points others = {b[2].len / 8, b[2].buf, b[3].buf, b[4].buf};
    Neighbours found = {0};
    PyObject *result = NULL;
    int status = b[1].len != 3 * b[0].len || b[3].len != b[2].len || b[4].len != 3 * b[2].len
                 || b[5].len != sizeof reach.low || b[6].len != sizeof reach.high
                 || b[7].len != b[0].len || most < 0;
    if (!status) {
        memcpy(reach.low, b[5].buf, sizeof reach.low);
        memcpy(reach.high, b[6].buf, sizeof reach.high);
        reach.most = most;
        Py_BEGIN_ALLOW_THREADS
        status = find_near(&points, &others, reach, b[7].buf, &found);
        Py_END_ALLOW_THREADS
    }
    if (!status)
        result = Py_BuildValue("y#y#", found.count ? (char *)found.others : "",
                               (Py_ssize_t)(found.count * 8),
                               found.count ? (char *)found.squares : "",
                               (Py_ssize_t)(found.count * 8));
    free(found.others);
    free(found.squares);
    release(b, 8);
    return status ? ended(status) : result;
}
