/* SPDX-License-Identifier: LGPL-3.0-or-later. It follows sep (Barbary 2016, JOSS 1, 58; Bertin &
 * Arnouts 1996, A&AS 117, 393), which is under that licence: see COPYING.LESSER. */

/* Cleaning: see mr_extract/detection/meals.py and segments.py. */

#ifndef MR_EXTRACT_CLEANING_H
#define MR_EXTRACT_CLEANING_H

#include <stdint.h>

/* What is known of each object; flux and area grow as it eats. */
typedef struct {
    const double *x, *y, *cxx, *cyy, *cxy, *area, *abcor, *thresh, *mthresh;
    double *flux, *npix, beta;
    int64_t count;
} Profiles;

int find_masters(Profiles *profiles, const int64_t *first, const int64_t *second, int64_t pairs,
        int64_t *master);
int find_least(const int64_t *pixels, const double *above, const int64_t *starts,
                     int64_t count, int64_t width, int64_t minarea, int64_t small, double *least);
void counts_over(const float *values, const int64_t *starts, int64_t count, const double *limits,
                int64_t levels, int64_t *over);

#endif
