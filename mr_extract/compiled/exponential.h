/* SPDX-License-Identifier: LGPL-3.0-or-later. It follows sep (Barbary 2016, JOSS 1, 58; Bertin &
 * Arnouts 1996, A&AS 117, 393), which is under that licence: see COPYING.LESSER. */

/* exp(x) by additions and multiplications alone: see mr_extract/portable/exponential.py. */

#ifndef MR_EXTRACT_EXPONENTIAL_H
#define MR_EXTRACT_EXPONENTIAL_H

#include <stdint.h>
#include <string.h>

static inline void exponential(double *values, int64_t count)
{
    static const double rounds = 6755399441055744.0;
    for (int64_t i = 0; i < count; i++)
        values[i] = values[i] > -700.0 ? values[i] : -700.0;
    for (int64_t i = 0; i < count; i++) {
        double value = values[i], power;
        double whole = value * 1.4426950408889634 + rounds, n = whole - rounds;
        double r = (value - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10;
        double series = 1.0 / 6227020800.0;
        series = series * r + 1.0 / 479001600.0;
        series = series * r + 1.0 / 39916800.0;
        series = series * r + 1.0 / 3628800.0;
        series = series * r + 1.0 / 362880.0;
        series = series * r + 1.0 / 40320.0;
        series = series * r + 1.0 / 5040.0;
        series = series * r + 1.0 / 720.0;
        series = series * r + 1.0 / 120.0;
        series = series * r + 1.0 / 24.0;
        series = series * r + 1.0 / 6.0;
        series = series * r + 0.5;
        uint64_t bits; /* the last ones of the sum are those of n, which go into the exponent */
        memcpy(&bits, &whole, sizeof bits);
        bits = (bits + 1023) << 52;
        memcpy(&power, &bits, sizeof power);
        values[i] = (1.0 + (r + r * r * series)) * power;
    }
}

#endif
