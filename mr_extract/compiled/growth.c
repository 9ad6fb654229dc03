/* SPDX-License-Identifier: LGPL-3.0-or-later. It follows sep (Barbary 2016, JOSS 1, 58; Bertin &
 * Arnouts 1996, A&AS 117, 393), which is under that licence: see COPYING.LESSER. */

/* Radii that hold fractions of a flux, as sep has them from sums in rings. */

#include <math.h>
#include <string.h>

#include "growth.h"

enum { RINGS = 64, SUBPIX = 5 };

/* Add up the first rings in one pass over the pixels that may lie in them; a ring's parts are
 * added in the order of rows however many rings there are. */
static void sum_rings(const Image *image, double x, double y, double rmax, int rings, double *sum)
{
    double scale = 1.0 / SUBPIX, share = scale * scale, offset = 0.5 * (scale - 1.0);
    double step = rmax / RINGS, density = 1.0 / step;
    double far = rmax + 1.5, reach = rings * step + 1.0;
    double far2 = far * far, near = 0.7072, next = step - 0.7072;
    int64_t x0 = (int64_t)(x - far + 0.5), x1 = (int64_t)(x + far + 1.4999999);
    int64_t y0 = (int64_t)(y - far + 0.5), y1 = (int64_t)(y + far + 1.4999999);
    int64_t left = (int64_t)floor(x - reach), right = (int64_t)ceil(x + reach) + 1;
    int64_t top = (int64_t)floor(y - reach), bottom = (int64_t)ceil(y + reach) + 1;
    x0 = x0 < 0 ? 0 : x0;
    y0 = y0 < 0 ? 0 : y0;
    x1 = x1 > image->width ? image->width : x1;
    y1 = y1 > image->height ? image->height : y1;
    x0 = x0 < left ? left : x0;
    y0 = y0 < top ? top : y0;
    x1 = x1 > right ? right : x1;
    y1 = y1 > bottom ? bottom : y1;
    memset(sum, 0, RINGS * sizeof *sum);
    for (int64_t j = y0; j < y1; j++)
        for (int64_t i = x0; i < x1; i++) {
            double dx = i - x, dy = j - y, r2 = dx * dx + dy * dy;
            if (!(r2 < far2) || r2 > reach * reach)
                continue;
            float value = image->data[j * image->width + i];
            double r = sqrt(r2), beyond = 0.0;
            if (step >= 1.4) /* narrower rings have an end near every pixel */
                beyond = fmod(r, step);
            if (step < 1.4 || beyond < near || beyond > next) {
                dy += offset;
                for (int v = 0; v < SUBPIX; v++, dy += scale) {
                    double across = dx + offset;
                    for (int u = 0; u < SUBPIX; u++, across += scale) {
                        double ring = sqrt(across * across + dy * dy) * density;
                        if (ring < rings)
                            sum[(int)ring] += share * value;
                    }
                }
            } else if (r * density < rings) {
                sum[(int)(r * density)] += value;
            }
        }
}

/* Return where a growth curve reaches a value; less than 0 where that is beyond its rings. */
static double reached(double rmax, const double *curve, int rings, double wanted)
{
    double step = rmax / RINGS;
    int i = 0;
    while (i < rings && curve[i] < wanted)
        i++;
    if (i == 0)
        return wanted <= 0.0 || curve[0] == 0.0 ? 0.0 : step * wanted / curve[0];
    if (i == rings)
        return rings == RINGS ? rmax : -1.0;
    return step * (i + (wanted - curve[i - 1]) / (curve[i] - curve[i - 1]));
}

void find_radii(const Image *image, double x, double y, double rmax, double whole,
                const double *fractions, int64_t count, double *radii)
{
    double curve[RINGS];
    /* Most of the light lies well within: few rings are looked at first. */
    for (int rings = RINGS / 4; rings <= RINGS; rings *= 2) {
        int all = 1;
        sum_rings(image, x, y, rmax, rings, curve);
        for (int i = 1; i < rings; i++)
            curve[i] += curve[i - 1];
        for (int64_t k = 0; k < count; k++) {
            radii[k] = reached(rmax, curve, rings, fractions[k] * whole);
            all &= rings == RINGS || !(radii[k] == -1.0);
        }
        if (all)
            return;
    }
}
