/* SPDX-License-Identifier: LGPL-3.0-or-later. It follows sep (Barbary 2016, JOSS 1, 58; Bertin &
 * Arnouts 1996, A&AS 117, 393), which is under that licence: see COPYING.LESSER. */

/* Sums in ellipses: see mr_extract/measure/rings.py and mr_extract/measure/ellipse_sums.py. */

#ifndef MR_EXTRACT_ELLIPSES_H
#define MR_EXTRACT_ELLIPSES_H

#include <stdint.h>

#include "around.h"

typedef struct {
    const float *data, *noise;   /* the latter NULL where it is one number */
    const unsigned char *mask;   /* NULL for none */
    const int32_t *labels;       /* NULL where neighbours are taken as they are */
    int64_t width, height;
    double sigma, gain;
} Picture;

typedef struct {
    double x, y, cxx, cyy, cxy, r;
} Ellipse;

void ring_profile(const float *data, const Others *others, int replaced, int64_t object,
                  const Ellipse *ellipse, double reach, int64_t rings, double width,
                  double *total, double *count);
void coefficients(double a, double b, double theta, Ellipse *ellipse);
double first_moment(const Picture *picture, const Ellipse *ellipse, int64_t label, int16_t *flag);
double sum_in_ellipse(const Picture *picture, const Ellipse *ellipse, double b, double *error,
                      int16_t *flag);

#endif
