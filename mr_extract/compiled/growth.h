/* SPDX-License-Identifier: LGPL-3.0-or-later. It follows sep (Barbary 2016, JOSS 1, 58; Bertin &
 * Arnouts 1996, A&AS 117, 393), which is under that licence: see COPYING.LESSER. */

/* Growth curves: see mr_extract/measure/light_radii.py. */

#ifndef MR_EXTRACT_GROWTH_H
#define MR_EXTRACT_GROWTH_H

#include <stdint.h>

typedef struct {
    const float *data;
    int64_t width, height;
} Image;

void find_radii(const Image *image, double x, double y, double rmax, double whole,
                const double *fractions, int64_t count, double *radii);

#endif
