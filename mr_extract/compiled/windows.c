/* SPDX-License-Identifier: LGPL-3.0-or-later. It follows sep (Barbary 2016, JOSS 1, 58; Bertin &
 * Arnouts 1996, A&AS 117, 393), which is under that licence: see COPYING.LESSER. */

/* Windows that follow the light. The order of every sum is that of the twin. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "exponential.h"
#include "windows.h"

enum { MOST_STEPS = 16 };

static const double REACH = 4.0, STEP = 1e-4, FACTOR = 2.0, PIXEL = 1.0 / 12.0;

/* The pixels around an object, and what is known of their columns and rows. */
typedef struct {
    int64_t x0, y0, nx, ny;
    double key[4]; /* what the pixels depend on: that of the centre, and that opposite the first */
    int64_t swapped;
    double *data, *other;
    double *dx, *dy, *along_x, *along_y, *share_x, *share_y, *sum[3];
} Cut;

static int cut_make(Cut *cut, int64_t nx, int64_t ny)
{
    int64_t pixels = nx * ny, size = nx > ny ? nx : ny;
    double *all = malloc((size_t)(2 * pixels + 9 * size) * sizeof *all);
    if (!all)
        return -1;
    double **part[] = {&cut->dx, &cut->dy, &cut->along_x, &cut->along_y, &cut->share_x,
                       &cut->share_y, &cut->sum[0], &cut->sum[1], &cut->sum[2]};
    cut->data = all;
    cut->other = all + pixels;
    for (int k = 0; k < 9; k++)
        *part[k] = all + 2 * pixels + k * size;
    return 0;
}

static int64_t window_size(double sigma)
{
    return 2 * (int64_t)ceil(REACH * sigma + 1.25) + 1;
}

/* Copy the cut's pixels of an image, with what stands in for those that do not count. */
static void copy(const Scene *scene, Cut *cut, const float *image, int64_t object, double x,
                 double y, double *values)
{
    const Others *others = &scene->others;
    int64_t width = others->width, height = others->height;
    double twice_x = 2.0 * x + 0.49999, twice_y = 2.0 * y + 0.49999; /* as SExtractor rounds */
    cut->swapped = 0;
    for (int64_t j = 0; j < cut->ny; j++) {
        int64_t row = cut->y0 + j, first = row * width + cut->x0;
        for (int64_t i = 0; i < cut->nx; i++)
            values[j * cut->nx + i] = image[first + i];
        int64_t k = first_from(others, row, first), end = others->rows[row + 1];
        for (; k < end && others->pixels[k] < first + cut->nx; k++) {
            int32_t label = others->labels[k];
            if (label == object + 1 || (label >= 0 && !scene->replaced))
                continue;
            double *value = &values[j * cut->nx + others->pixels[k] - first];
            *value = 0.0;
            cut->swapped++;
            int64_t u = (int64_t)(twice_x - (double)(others->pixels[k] - row * width));
            int64_t v = (int64_t)(twice_y - (double)row);
            if (!scene->opposite || u < 0 || u >= width || v < 0 || v >= height)
                continue;
            int64_t opposite = v * width + u, at = first_from(others, v, opposite);
            if (at == others->rows[v + 1] || others->pixels[at] != opposite
                || others->labels[at] == object + 1)
                *value = image[opposite];
        }
    }
}

static double clipped(double value, double least, double most)
{
    return value > least ? value < most ? value : most : least;
}

static int64_t within(int64_t value, int64_t most)
{
    return value < 0 ? 0 : value > most ? most : value;
}

/* Say whether a window has moved on to other pixels, and where they begin. */
static int moved(const Scene *scene, Cut *cut, double x, double y)
{
    int64_t width = scene->others.width, height = scene->others.height;
    double key[4] = {rint(x), rint(y), 0.0, 0.0};
    if (scene->opposite) {
        key[2] = floor(2.0 * x + 0.49999);
        key[3] = floor(2.0 * y + 0.49999);
    }
    const double *last = cut->key;
    if (key[0] == last[0] && key[1] == last[1] && key[2] == last[2] && key[3] == last[3])
        return 0;
    memcpy(cut->key, key, sizeof key);
    cut->x0 = within((int64_t)key[0] - cut->nx / 2, width - cut->nx);
    cut->y0 = within((int64_t)key[1] - cut->ny / 2, height - cut->ny);
    return 1;
}

/* Offsets from a centre, the Gaussian along an axis, and what gives the share in the circle. */
static void weigh(int64_t first, int64_t n, double centre, double sigma, double *offset,
                  double *along, double *share)
{
    double narrow = -0.5 / (sigma * sigma), twice = 2.0 * (REACH * sigma);
    for (int64_t i = 0; i < n; i++) {
        offset[i] = (double)(first + i) - centre;
        share[i] = offset[i] * offset[i] / twice;
        along[i] = narrow * offset[i] * offset[i];
    }
    exponential(along, n);
}

static double share_of(double share)
{
    share = share < 0.0 ? 0.0 : share;
    return share > 1.0 ? 1.0 : share;
}

/* Sum the light in the window, and that times the offsets. */
static void barycentre(const Cut *cut, double *tv, double *dx, double *dy)
{
    double *restrict sum = cut->sum[0], *restrict first = cut->sum[1];
    memset(sum, 0, (size_t)cut->nx * sizeof *sum);
    memset(first, 0, (size_t)cut->nx * sizeof *first);
    for (int64_t j = 0; j < cut->ny; j++) {
        const double *row = cut->data + j * cut->nx, *share = cut->share_x;
        double weight = cut->along_y[j], away = cut->dy[j], far = cut->share_y[j];
        for (int64_t i = 0; i < cut->nx; i++) {
            double light = share_of(share[i] - far) * row[i] * weight;
            sum[i] += light;
            first[i] += light * away;
        }
    }
    *tv = *dx = *dy = 0.0;
    for (int64_t i = 0; i < cut->nx; i++) {
        *tv += sum[i] * cut->along_x[i];
        *dx += sum[i] * (cut->along_x[i] * cut->dx[i]);
        *dy += first[i] * cut->along_x[i];
    }
}

/* Sum values under weights, and that times products of the offsets: 1, xx, yy, xy. */
static void moments(const Cut *cut, const double *values, double pixel, double *result)
{
    double *restrict sum = cut->sum[0], *restrict first = cut->sum[1];
    double *restrict second = cut->sum[2];
    for (int k = 0; k < 3; k++)
        memset(cut->sum[k], 0, (size_t)cut->nx * sizeof(double));
    for (int64_t j = 0; j < cut->ny; j++) {
        const double *row = values + j * cut->nx;
        double weight = cut->along_y[j], away = cut->dy[j], square = away * away + pixel;
        for (int64_t i = 0; i < cut->nx; i++) {
            double value = row[i] * weight;
            sum[i] += value;
            first[i] += value * away;
            second[i] += value * square;
        }
    }
    memset(result, 0, 4 * sizeof *result);
    for (int64_t i = 0; i < cut->nx; i++) {
        double weight = cut->along_x[i], away = cut->dx[i];
        result[0] += sum[i] * weight;
        result[1] += sum[i] * (weight * (away * away + pixel));
        result[2] += second[i] * weight;
        result[3] += first[i] * (weight * away);
    }
}

/* Second moments of the light, and sums of variance: `sums` from the seventh on. */
static void last_sums(const Scene *scene, Cut *cut, int64_t object, double x, double y,
                      double *sums)
{
    if (cut->swapped)
        copy(scene, cut, scene->data, object, x, y, cut->data);
    if (scene->noise)
        copy(scene, cut, scene->noise, object, x, y, cut->other);
    for (int64_t j = 0; j < cut->ny; j++) {
        double *restrict light = cut->data + j * cut->nx, *restrict other = cut->other + j * cut->nx;
        double far = cut->share_y[j];
        for (int64_t i = 0; i < cut->nx; i++) {
            double variance = scene->noise ? other[i] * other[i] : scene->variance;
            if (scene->gain > 0.0)
                variance += (light[i] > 0.0 ? light[i] : 0.0) / scene->gain;
            double share = share_of(cut->share_x[i] - far);
            other[i] = variance * (share * share);
            light[i] *= share;
        }
    }
    double result[4];
    moments(cut, cut->data, 0.0, result);
    for (int k = 1; k < 4; k++)
        sums[k - 1] = result[k] / (result[0] != 0.0 ? result[0] : NAN);
    for (int64_t i = 0; i < cut->nx; i++)
        cut->along_x[i] *= cut->along_x[i];
    for (int64_t j = 0; j < cut->ny; j++)
        cut->along_y[j] *= cut->along_y[j];
    moments(cut, cut->other, PIXEL, sums + 3);
}

static int over_border(double centre, double reach, int64_t size)
{
    return centre - reach <= -1.5 || centre + reach >= (double)size - 0.5;
}

/* Move one window until it stands still; the sums are those of the twin, in its order. */
static void follow(const Scene *scene, Cut *cut, int64_t object, double x, double y,
                   double sigma, double *sums)
{
    int64_t width = scene->others.width, height = scene->others.height;
    int64_t size = window_size(sigma), over = 0, niter = MOST_STEPS + 1;
    double tv = 0.0, dx = 0.0, dy = 0.0, near_x = x, near_y = y;
    cut->nx = size < width ? size : width;
    cut->ny = size < height ? size : height;
    cut->key[0] = NAN;
    for (int step = 1; step <= MOST_STEPS; step++) {
        near_x = clipped(x, -1.0, (double)width);
        near_y = clipped(y, -1.0, (double)height);
        if (moved(scene, cut, near_x, near_y))
            copy(scene, cut, scene->data, object, near_x, near_y, cut->data);
        over |= over_border(x, REACH * sigma, width) || over_border(y, REACH * sigma, height);
        weigh(cut->x0, cut->nx, x, sigma, cut->dx, cut->along_x, cut->share_x);
        weigh(cut->y0, cut->ny, y, sigma, cut->dy, cut->along_y, cut->share_y);
        for (int64_t i = 0; i < cut->nx; i++)
            cut->share_x[i] = (0.5 * (REACH * sigma) + 0.5) - cut->share_x[i];
        barycentre(cut, &tv, &dx, &dy);
        if (tv > 0.0) {
            dx /= tv;
            dy /= tv;
            x += FACTOR * dx;
            y += FACTOR * dy;
        }
        if (!(tv > 0.0) || dx * dx + dy * dy < STEP * STEP) {
            niter = step;
            break;
        }
    }
    double first[] = {x, y, (double)niter, tv, dx, dy};
    memcpy(sums, first, sizeof first);
    last_sums(scene, cut, object, near_x, near_y, sums + 6);
    sums[13] = (double)over;
}

int follow_windows_of(const Scene *scene, int64_t count, const double *x, const double *y,
                   const double *sigma, double *sums)
{
    Cut cut = {0};
    int64_t most = 1, width = scene->others.width, height = scene->others.height;
    for (int64_t k = 0; k < count; k++)
        most = window_size(sigma[k]) > most ? window_size(sigma[k]) : most;
    if (cut_make(&cut, most < width ? most : width, most < height ? most : height))
        return -1;
    for (int64_t k = 0; k < count; k++)
        follow(scene, &cut, k, x[k], y[k], sigma[k], sums + k * WINDOW_SUMS);
    free(cut.data);
    return 0;
}
