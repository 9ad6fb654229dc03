/* SPDX-License-Identifier: LGPL-3.0-or-later. It follows sep (Barbary 2016, JOSS 1, 58; Bertin &
 * Arnouts 1996, A&AS 117, 393), which is under that licence: see COPYING.LESSER. */

/* Sums over the pixels whose centres lie in ellipses. Those of sep are in its order, with its
 * types. */

#include <math.h>

#include "ellipses.h"

enum { TRUNCATED = 0x10, HAS_MASKED = 0x20, ALL_MASKED = 0x40, NOT_POSITIVE = 0x80 };

static int64_t within(double value, int64_t most)
{
    return value > 0.0 ? value < (double)most ? (int64_t)value : most : 0;
}

/* Add up the pixels that count, and their number, in rings of one width. */
void ring_profile(const float *data, const Others *others, int replaced, int64_t object,
                  const Ellipse *e, double reach, int64_t rings, double width, double *total,
                  double *count)
{
    int64_t columns = others->width, last = within(floor(e->y + reach) + 1.0, others->height);
    for (int64_t row = within(ceil(e->y - reach), others->height); row < last; row++) {
        double dy = (double)row - e->y, half = 0.5 * e->cxy * dy, rest = e->cyy * dy * dy;
        double inside = half * half - e->cxx * (rest - e->r * e->r);
        double root = sqrt(inside > 0.0 ? inside : 0.0);
        int64_t begin = within(ceil(e->x + (-half - root) / e->cxx), columns);
        int64_t end = within(floor(e->x + (-half + root) / e->cxx) + 1.0, columns);
        if (end <= begin)
            continue;
        int64_t first = row * columns, k = first_from(others, row, first + begin);
        int64_t behind = others->rows[row + 1];
        for (int64_t column = begin; column < end; column++) {
            if (k < behind && others->pixels[k] == first + column) {
                int32_t label = others->labels[k++];
                if (label != object + 1 && (label < 0 || replaced))
                    continue;
            }
            double dx = (double)column - e->x;
            double r2 = (e->cxx * dx + e->cxy * dy) * dx + e->cyy * dy * dy;
            int64_t ring = (int64_t)(sqrt(r2 > 0.0 ? r2 : 0.0) * width);
            ring = ring < rings ? ring : rings - 1;
            total[ring] += data[first + column];
            count[ring] += 1.0;
        }
    }
}

void coefficients(double a, double b, double theta, Ellipse *ellipse)
{
    double cosine = cos(theta), sine = sin(theta);
    ellipse->cxx = cosine * cosine / (a * a) + sine * sine / (b * b);
    ellipse->cyy = sine * sine / (a * a) + cosine * cosine / (b * b);
    ellipse->cxy = 2. * cosine * sine * (1. / (a * a) - 1. / (b * b));
}

typedef struct {
    int64_t left, right, top, bottom;
} Box;

/* The pixels that sep looks at, within the image. */
static Box box_of(const Picture *picture, const Ellipse *e, int16_t *flag)
{
    double x = e->cxx - e->cxy * e->cxy / (4.0 * e->cyy);
    double y = e->cyy - e->cxy * e->cxy / (4.0 * e->cxx);
    x = x > 0.0 ? e->r / sqrt(x) : 0.0;
    y = y > 0.0 ? e->r / sqrt(y) : 0.0;
    Box box = {(int64_t)(e->x - x + 0.5), (int64_t)(e->x + x + 1.4999999),
               (int64_t)(e->y - y + 0.5), (int64_t)(e->y + y + 1.4999999)};
    if (box.left < 0 || box.top < 0 || box.right > picture->width || box.bottom > picture->height)
        *flag |= TRUNCATED;
    box.left = box.left < 0 ? 0 : box.left;
    box.top = box.top < 0 ? 0 : box.top;
    box.right = box.right > picture->width ? picture->width : box.right;
    box.bottom = box.bottom > picture->height ? picture->height : box.bottom;
    return box;
}

/* Return the first radial moment, in units of the ellipse; 0 where there is none. */
double first_moment(const Picture *picture, const Ellipse *e, int64_t label, int16_t *flag)
{
    double moment = 0.0, light = 0.0, most = e->r * e->r;
    int64_t area = 0;
    Box box = box_of(picture, e, flag);
    for (int64_t j = box.top; j < box.bottom; j++)
        for (int64_t i = box.left; i < box.right; i++) {
            double dx = (double)i - e->x, dy = (double)j - e->y;
            double r2 = e->cxx * dx * dx + e->cyy * dy * dy + e->cxy * dx * dy;
            int64_t k = j * picture->width + i;
            if (!(r2 <= most))
                continue;
            float value = picture->data[k];
            if (value < -1e30f || (picture->mask && picture->mask[k])
                || (picture->labels && picture->labels[k] > 0 && picture->labels[k] != label)) {
                *flag |= HAS_MASKED;
                continue;
            }
            moment += sqrt(r2) * value;
            light += value;
            area++;
        }
    if (area && !(moment <= 0.0 || light <= 0.0))
        return moment / light;
    *flag |= area ? NOT_POSITIVE : ALL_MASKED;
    return 0.0;
}

/* Return the sum of an image within an ellipse, and its error. */
double sum_in_ellipse(const Picture *picture, const Ellipse *e, double b, double *error,
                      int16_t *flag)
{
    double sum = 0.0, squares = 0.0, most = e->r * e->r;
    double near = e->r - 0.7072 / b, far = e->r + 0.7072 / b;
    float variance = (float)(picture->sigma * picture->sigma);
    Box box = box_of(picture, e, flag);
    near = near > 0.0 ? near * near : 0.0;
    far = far * far;
    for (int64_t j = box.top; j < box.bottom; j++)
        for (int64_t i = box.left; i < box.right; i++) {
            double dx = (double)i - e->x, dy = (double)j - e->y;
            double r2 = e->cxx * dx * dx + e->cyy * dy * dy + e->cxy * dx * dy;
            if (!(r2 < far))
                continue;
            if (r2 > near && !(e->cxx * dx * dx + e->cyy * (dy * dy) + e->cxy * dx * dy < most))
                continue;
            int64_t k = j * picture->width + i;
            if (picture->noise)
                variance = picture->noise[k] * picture->noise[k];
            sum += picture->data[k];
            squares += variance;
        }
    if (picture->gain > 0.0 && sum > 0.0)
        squares += sum / picture->gain;
    *error = sqrt(squares);
    return sum;
}
