/* SPDX-License-Identifier: LGPL-3.0-or-later. It follows sep (Barbary 2016, JOSS 1, 58; Bertin &
 * Arnouts 1996, A&AS 117, 393), which is under that licence: see COPYING.LESSER. */

/* Sums over the pixels of objects. What is float and what double is as in sep, so that
 * the numbers are. */

#include <math.h>
#include <stdlib.h>

#include "room.h"
#include "scan.h"

static const double PI = 3.14159265358979323846;

float sigma_at(const Pixels *pixels, int64_t k)
{
    return pixels->noise ? pixels->noise[pixels->y[k] * pixels->width + pixels->x[k]]
                         : pixels->sigma;
}

Object *objects_add(Objects *objects, const Chain *chain, float thresh)
{
    Object *item = grown(objects->item, &objects->room, objects->count + 1, sizeof *item);
    if (!item)
        return NULL;
    objects->item = item;
    Object *object = &objects->item[objects->count++];
    *object = (Object){.chain = *chain, .thresh = thresh};
    return object;
}

void extents_and_peaks(const Pixels *pixels, Object *object)
{
    double sum = 0.0;
    float peak = -1e30f, cpeak = -1e30f;
    object->npix = 0;
    object->xpeak = object->ypeak = object->xcpeak = object->ycpeak = 0;
    object->xmin = object->ymin = INT64_MAX;
    object->xmax = object->ymax = 0;
    for (int64_t k = object->chain.first; k >= 0; k = pixels->next[k]) {
        int64_t x = pixels->x[k], y = pixels->y[k];
        float value = pixels->value[k], filtered = pixels->filtered[k];
        if (peak < value) {
            peak = value;
            object->xpeak = x;
            object->ypeak = y;
        }
        if (cpeak < filtered) {
            cpeak = filtered;
            object->xcpeak = x;
            object->ycpeak = y;
        }
        sum += filtered;
        object->xmin = x < object->xmin ? x : object->xmin;
        object->xmax = x > object->xmax ? x : object->xmax;
        object->ymin = y < object->ymin ? y : object->ymin;
        object->ymax = y > object->ymax ? y : object->ymax;
        object->npix++;
    }
    object->cflux = (float)sum;
    object->peak = peak;
    object->cpeak = cpeak;
}

/* A part of a blend that has been measured before, and is marked as such, keeps its place. */
void moments(const Pixels *pixels, Object *object, double gain)
{
    int placed = object->chain.flag & MERGED;
    extents_and_peaks(pixels, object);
    int64_t xmin = object->xmin, ymin = object->ymin;
    int64_t over = 0, over_half = 0;
    double thresh = object->thresh, half = (thresh + object->peak) / 2.0;
    double mx = 0, my = 0, mx2 = 0, my2 = 0, mxy = 0, total = 0;
    for (int64_t k = object->chain.first; k >= 0; k = pixels->next[k]) {
        int64_t x = pixels->x[k] - xmin, y = pixels->y[k] - ymin;
        float value = pixels->value[k], filtered = pixels->filtered[k];
        total += value;
        over += value > thresh;
        over_half += value > half;
        mx += filtered * x;
        my += filtered * y;
        mx2 += filtered * x * x;
        my2 += filtered * y * y;
        mxy += filtered * x * y;
    }
    double sum = object->cflux, sum2 = sum * sum;
    double x = mx / sum, y = my / sum, x2, y2, xy;
    if (placed) {
        double u = object->x - xmin, v = object->y - ymin;
        x2 = mx2 / sum + u * u - 2 * x * u;
        y2 = my2 / sum + v * v - 2 * y * v;
        xy = mxy / sum + u * v - x * v - u * y;
        x = u;
        y = v;
    } else {
        x2 = mx2 / sum - x * x;
        y2 = my2 / sum - y * y;
        xy = mxy / sum - x * y;
    }

    double errx2 = 0, erry2 = 0, errxy = 0, variances = 0;
    for (int64_t k = object->chain.first; k >= 0; k = pixels->next[k]) {
        int64_t i = pixels->x[k] - xmin, j = pixels->y[k] - ymin;
        float sigma = sigma_at(pixels, k);
        float sky = sigma * sigma;
        double variance = pixels->has_noise ? sky : 0.0;
        if (gain > 0.0 && pixels->filtered[k] > 0.0)
            variance += pixels->filtered[k] / gain;
        variances += variance;
        errx2 += variance * (i - x) * (i - x);
        erry2 += variance * (j - y) * (j - y);
        errxy += variance * (i - x) * (j - y);
    }
    errx2 /= sum2;
    erry2 /= sum2;
    errxy /= sum2;

    double determinant = x2 * y2 - xy * xy;
    if (determinant < 0.00694) { /* pixels in a line */
        x2 += 0.0833333;
        y2 += 0.0833333;
        determinant = x2 * y2 - xy * xy;
        object->chain.flag |= SINGULAR;
        variances *= 0.08333 / sum2;
        if (errx2 * erry2 - errxy * errxy < variances * variances) {
            errx2 += variances;
            erry2 += variances;
        }
    }
    double difference = x2 - y2, mean = 0.5 * (x2 + y2);
    double theta = fabs(difference) > 0.0 ? atan2(2.0 * xy, difference) / 2.0 : PI / 4.0;
    double spread = sqrt(0.25 * difference * difference + xy * xy);
    object->tnpix = over;
    object->flux = (float)total;
    object->x = x + xmin;
    object->y = y + ymin;
    object->x2 = x2;
    object->y2 = y2;
    object->xy = xy;
    object->errx2 = errx2;
    object->erry2 = erry2;
    object->errxy = errxy;
    object->a = (float)sqrt(mean + spread);
    object->b = (float)sqrt(mean - spread);
    object->theta = (float)theta;
    object->cxx = (float)(y2 / determinant);
    object->cyy = (float)(x2 / determinant);
    object->cxy = (float)(-2 * xy / determinant);

    /* How much of a Gaussian's a b the threshold leaves. */
    double missing = (double)over_half - over, ratio = thresh / half;
    object->abcor = 1.0f;
    if (ratio > 0.0) {
        object->abcor = (float)((missing < 0.0 ? missing : -1.0)
                                / (2 * PI * log(ratio < 1.0 ? ratio : 0.99) * object->a
                                   * object->b));
        if (object->abcor > 1.0f)
            object->abcor = 1.0f;
    }
}
