/* SPDX-License-Identifier: LGPL-3.0-or-later. It follows sep (Barbary 2016, JOSS 1, 58; Bertin &
 * Arnouts 1996, A&AS 117, 393), which is under that licence: see COPYING.LESSER. */

/* Gaussian windows: see mr_extract/measure/window_sums.py. */

#ifndef MR_EXTRACT_WINDOWS_H
#define MR_EXTRACT_WINDOWS_H

#include <stdint.h>

#include "around.h"

enum { WINDOW_SUMS = 14 };

typedef struct {
    const float *data, *noise; /* NULL where the noise is one number, of this variance: */
    double variance, gain;
    Others others;
    int replaced, opposite; /* others are, by what is opposite; else only what is bad, by 0 */
} Scene;

int follow_windows_of(const Scene *scene, int64_t count, const double *x, const double *y,
                   const double *sigma, double *sums);

#endif
