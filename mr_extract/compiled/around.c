/* SPDX-License-Identifier: LGPL-3.0-or-later. It follows sep (Barbary 2016, JOSS 1, 58; Bertin &
 * Arnouts 1996, A&AS 117, 393), which is under that licence: see COPYING.LESSER. */

/* Pixels of others within boxes and ellipses, and pixels by owner. */

#include <stdlib.h>

#include "around.h"
#include "room.h"

static int64_t clipped(int64_t value, int64_t most)
{
    return value < 0 ? 0 : value > most ? most : value;
}

static int hits_add(Hits *hits, int64_t box, int64_t pixel, int32_t label)
{
    Hit *item = grown(hits->item, &hits->room, hits->count + 1, sizeof *item);
    if (!item)
        return -1;
    hits->item = item;
    hits->item[hits->count++] = (Hit){box, pixel, label};
    return 0;
}

int others_fine(const Others *others, int64_t count)
{
    const int64_t *pixels = others->pixels, *rows = others->rows;
    int fine = rows[0] == 0 && rows[others->height] == count;
    for (int64_t y = 0; fine && y < others->height; y++) {
        int64_t before = y * others->width - 1, end = rows[y + 1];
        fine = rows[y] <= end && end <= count;
        for (int64_t k = rows[y]; fine && k < end; before = pixels[k++])
            fine = pixels[k] > before;
        fine = fine && before < (y + 1) * others->width;
    }
    return fine;
}

int64_t first_from(const Others *others, int64_t y, int64_t value)
{
    const int64_t *pixels = others->pixels;
    int64_t begin = others->rows[y], end = others->rows[y + 1];
    while (begin < end) {
        int64_t middle = (begin + end) / 2;
        if (pixels[middle] < value)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

int find_in_boxes(const Others *others, const Boxes *boxes, Hits *hits)
{
    int64_t n = boxes->count;
    for (int64_t b = 0; b < n; b++) {
        int64_t left = clipped(boxes->x0[b], others->width);
        int64_t right = clipped(boxes->x1[b], others->width);
        int64_t top = clipped(boxes->y0[b], others->height);
        int64_t bottom = clipped(boxes->y1[b], others->height);
        int64_t self = (boxes->which ? boxes->which[b] : b) + 1;
        const double *e = boxes->ellipses;
        for (int64_t y = top; y < bottom; y++) {
            int64_t end = others->rows[y + 1], row = y * others->width;
            int64_t k = first_from(others, y, row + left);
            for (; k < end && others->pixels[k] < row + right; k++) {
                if (others->labels[k] == self)
                    continue;
                if (e) { /* x, y, cxx, cyy, cxy, r of each, n apart */
                    double dx = (others->pixels[k] - row) - e[b], dy = y - e[n + b];
                    double r2 = e[2 * n + b] * dx * dx + e[3 * n + b] * dy * dy
                                + e[4 * n + b] * dx * dy;
                    if (!(r2 <= e[5 * n + b] * e[5 * n + b]))
                        continue;
                }
                if (hits_add(hits, b, others->pixels[k], others->labels[k]))
                    return -1;
            }
        }
    }
    return 0;
}

int order_by_owner(const int64_t *owner, int64_t n, int64_t count, int64_t *order)
{
    int64_t *place = calloc((size_t)count + 1, sizeof *place);
    if (!place)
        return -1;
    for (int64_t k = 0; k < n; k++)
        if (owner[k] < 0 || owner[k] >= count) {
            free(place);
            return 1;
        } else {
            place[owner[k] + 1]++;
        }
    for (int64_t i = 0; i < count; i++)
        place[i + 1] += place[i];
    for (int64_t k = 0; k < n; k++)
        order[place[owner[k]]++] = k;
    free(place);
    return 0;
}
