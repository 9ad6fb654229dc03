/* SPDX-License-Identifier: LGPL-3.0-or-later. It follows sep (Barbary 2016, JOSS 1, 58; Bertin &
 * Arnouts 1996, A&AS 117, 393), which is under that licence: see COPYING.LESSER. */

/* Pixels of others: see mr_extract/detection/within_boxes.py. */

#ifndef MR_EXTRACT_AROUND_H
#define MR_EXTRACT_AROUND_H

#include <stdint.h>

typedef struct {
    const int64_t *pixels, *rows; /* ascending; where each row begins among them */
    const int32_t *labels;
    int64_t width, height;
} Others;

typedef struct {
    int64_t count;
    const int64_t *x0, *x1, *y0, *y1, *which;
    const double *ellipses;
} Boxes;

typedef struct {
    int64_t box, pixel;
    int32_t label;
} Hit;

typedef struct {
    int64_t count, room;
    Hit *item;
} Hits;

/* Whether the pixels ascend, each within its row. */
int others_fine(const Others *others, int64_t count);
/* First of the pixels of a row, or the first one behind it, that is not below a value. */
int64_t first_from(const Others *others, int64_t y, int64_t value);
int find_in_boxes(const Others *others, const Boxes *boxes, Hits *hits);
int order_by_owner(const int64_t *owner, int64_t n, int64_t count, int64_t *order);

#endif
