/* SPDX-License-Identifier: LGPL-3.0-or-later. It follows sep (Barbary 2016, JOSS 1, 58; Bertin &
 * Arnouts 1996, A&AS 117, 393), which is under that licence: see COPYING.LESSER. */

/* The one-pass labelling of Lutz (1980, The Computer Journal 23, 262).
 *
 * Objects of eight neighbours are known row by row; of the row above only markers are
 * kept: S and F where an object begins and ends, s and f where a piece of it does. The
 * order in which chains of pixels are joined is that of sep, so that sums over them are. */

#include <stdlib.h>
#include <string.h>

#include "scan.h"

enum { COMPLETE, INCOMPLETE, OUTSIDE, INSIDE };
enum { UNKNOWN = -1, STEP = 8 };

int links_make(Links *links, int64_t width)
{
    size_t n = (size_t)width + 1 + STEP;
    memset(links, 0, sizeof *links);
    links->over = calloc(n, 1);
    links->marker = calloc(n, 1);
    links->stack = calloc(2 * n, 1);
    links->info = calloc(n, sizeof(Chain));
    links->store = calloc(n, sizeof(Chain));
    links->start = calloc(n, sizeof(int64_t));
    links->end = calloc(n, sizeof(int64_t));
    if (links->over && links->marker && links->stack && links->info && links->store
        && links->start && links->end) {
        links_begin(links, width);
        return 0;
    }
    links_free(links);
    return -1;
}

void links_free(Links *links)
{
    free(links->over);
    free(links->marker);
    free(links->stack);
    free(links->info);
    free(links->store);
    free(links->start);
    free(links->end);
    memset(links, 0, sizeof *links);
}

void links_begin(Links *links, int64_t width)
{
    links->width = width;
    links->top = links->depth = 0;
    memset(links->marker, 0, (size_t)width + 1 + STEP);
    memset(links->over, 0, (size_t)width + 1 + STEP);
}

static void join(Chain *chain, const Chain *more, int32_t *next)
{
    chain->count += more->count;
    chain->flag |= more->flag;
    if (chain->first < 0) {
        chain->first = more->first;
        chain->last = more->last;
    } else if (more->last >= 0) {
        next[chain->last] = (int32_t)more->first;
        chain->last = more->last;
    }
}

static int nothing_at(const char *marker, const unsigned char *over)
{
    uint64_t a, b;
    memcpy(&a, marker, STEP);
    memcpy(&b, over, STEP);
    return !(a | b);
}

/* Take the next row; `number` has the pixels where `over` is set. The first and last column
 * of the image, in those of the box, and its first and last row make truncated objects. */
int link_row(Links *links, int32_t *next, const int32_t *number, int64_t first_x,
             int64_t last_x, int at_edge, Closed closed, void *to)
{
    static const Chain empty = {0, -1, -1, 0};
    int above = COMPLETE, here = OUTSIDE;
    Chain *info = links->info, *store = links->store;
    int64_t *start = links->start, *end = links->end, co = links->depth, top = links->top;
    char *marker = links->marker, *stack = links->stack;

    for (int64_t x = 0; x <= links->width; x++) {
        if (here == OUTSIDE)
            while (x + STEP <= links->width && nothing_at(marker + x, links->over + x))
                x += STEP;
        char met = marker[x];
        int over = links->over[x];
        marker[x] = 0;
        if (over && here != INSIDE) {
            here = INSIDE;
            if (above == INSIDE) {
                marker[x] = start[co] == UNKNOWN ? 'S' : 's';
                if (start[co] == UNKNOWN)
                    start[co] = x;
            } else {
                stack[top++] = (char)above;
                marker[x] = 'S';
                start[++co] = x;
                info[co] = empty;
                above = COMPLETE;
            }
        }
        if (met == 'S') {
            stack[top++] = (char)above;
            if (here == OUTSIDE) {
                stack[top++] = COMPLETE;
                info[++co] = store[x];
                start[co] = UNKNOWN;
            } else {
                join(&info[co], &store[x], next);
            }
            above = INSIDE;
        } else if (met == 's') {
            if (here == INSIDE && above == COMPLETE) {
                int64_t began = start[co];
                top--;
                co--;
                join(&info[co], &info[co + 1], next);
                if (start[co] == UNKNOWN)
                    start[co] = began;
                else
                    marker[began] = 's';
            }
            above = INSIDE;
        } else if (met == 'f') {
            above = INCOMPLETE;
        } else if (met == 'F') {
            above = stack[--top];
            if (here == OUTSIDE && above == COMPLETE) {
                if (start[co] == UNKNOWN) {
                    if (closed(to, &info[co]))
                        return -1;
                } else {
                    marker[end[co]] = 'F';
                    store[start[co]] = info[co];
                }
                co--;
                above = stack[--top];
            }
        }
        if (over) {
            int edge = at_edge || x == first_x || x == last_x;
            Chain one = {1, number[x], number[x], edge ? TRUNCATED : 0};
            next[number[x]] = -1;
            join(&info[co], &one, next);
        } else if (here == INSIDE) {
            here = OUTSIDE;
            if (above != COMPLETE) {
                marker[x] = 'f';
                end[co] = x;
            } else {
                above = stack[--top];
                marker[x] = 'F';
                store[start[co]] = info[co];
                co--;
            }
        }
    }
    links->depth = co;
    links->top = top;
    return 0;
}
