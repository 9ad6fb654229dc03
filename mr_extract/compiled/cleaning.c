/* SPDX-License-Identifier: LGPL-3.0-or-later. It follows sep (Barbary 2016, JOSS 1, 58; Bertin &
 * Arnouts 1996, A&AS 117, 393), which is under that licence: see COPYING.LESSER. */

/* Which objects are the wings of others, in the order of SExtractor. */

#include <math.h>
#include <stdlib.h>

#include "cleaning.h"

static double power(double value, double exponent)
{
    if (exponent == 1.0)
        return value;
    if (exponent == -1.0)
        return 1.0 / value;
    return value > 0.0 ? pow(value, exponent) : NAN;
}

/* Say whether the light of i accounts for all that made j a detection. */
static int eats(const Profiles *p, int64_t i, int64_t j)
{
    double dx = p->x[i] - p->x[j], dy = p->y[i] - p->y[j];
    double peak = p->flux[i] / (2.0 * p->area[i] * p->abcor[i]);
    double alpha = power(peak / p->thresh[i], 1.0 / p->beta) - 1.0;
    alpha = alpha * p->area[i] / p->npix[i];
    double distance = 1.0 + alpha * (p->cxx[i] * dx * dx + p->cyy[i] * dy * dy
                                     + p->cxy[i] * dx * dy);
    double wing = distance < 1e10 ? peak * power(distance, -p->beta) : 0.0;
    return distance > 1.0 && wing > p->mthresh[j];
}

/* Pairs by their first object and by their second one, of which the first ones ascend. */
typedef struct {
    int64_t *zone, *zone_start, *before, *before_start;
    unsigned char *near; /* pairs of `before` to be looked at, by place in `zone` */
    int64_t *place;      /* in `zone` of each of `before` */
} Pairs;

static int sort_pairs(Pairs *pairs, const int64_t *first, const int64_t *second, int64_t number,
                      int64_t count)
{
    size_t n = (size_t)number + 1, m = (size_t)count + 2;
    pairs->zone = malloc(n * sizeof(int64_t));
    pairs->before = malloc(n * sizeof(int64_t));
    pairs->place = malloc(n * sizeof(int64_t));
    pairs->near = calloc(n, 1);
    pairs->zone_start = calloc(m, sizeof(int64_t));
    pairs->before_start = calloc(m, sizeof(int64_t));
    int64_t *by_first = pairs->zone_start, *by_second = pairs->before_start;
    if (!pairs->zone || !pairs->before || !pairs->place || !pairs->near || !by_first
        || !by_second)
        return -1;
    for (int64_t k = 0; k < number; k++) {
        by_first[first[k] + 2]++;
        by_second[second[k] + 2]++;
    }
    for (int64_t i = 2; i < count + 2; i++) {
        by_first[i] += by_first[i - 1];
        by_second[i] += by_second[i - 1];
    }
    for (int64_t k = 0; k < number; k++)
        pairs->zone[by_first[first[k] + 1]++] = second[k];
    for (int64_t i = 0; i < count; i++)
        for (int64_t k = by_first[i]; k < by_first[i + 1]; k++) {
            int64_t at = by_second[pairs->zone[k] + 1]++;
            pairs->before[at] = i;
            pairs->place[at] = k;
        }
    return 0;
}

static void merge(Profiles *p, Pairs *pairs, int64_t *master, int64_t victim, int64_t into)
{
    master[victim] = into;
    p->flux[into] += p->flux[victim];
    p->npix[into] += p->npix[victim];
    /* It shines farther now: those still to come may have to look at it. */
    for (int64_t k = pairs->zone_start[into]; k < pairs->zone_start[into + 1]; k++)
        if (p->flux[pairs->zone[k]] <= p->flux[into] && eats(p, into, pairs->zone[k]))
            pairs->near[k] = 1;
}

int find_masters(Profiles *p, const int64_t *first, const int64_t *second, int64_t number,
        int64_t *master)
{
    Pairs pairs = {0};
    int64_t *menu = malloc((size_t)(p->count + 1) * sizeof *menu);
    int status = menu ? sort_pairs(&pairs, first, second, number, p->count) : -1;
    for (int64_t i = 0; !status && i < p->count; i++) {
        master[i] = -1;
        for (int64_t k = pairs.zone_start[i]; k < pairs.zone_start[i + 1]; k++) {
            int64_t j = pairs.zone[k];
            pairs.near[k] = (unsigned char)(p->flux[i] < p->flux[j] ? eats(p, j, i)
                                                                    : eats(p, i, j));
        }
    }
    for (int64_t newcomer = 0; !status && newcomer < p->count; newcomer++) {
        int64_t eaten = 0;
        for (int64_t k = pairs.before_start[newcomer]; k < pairs.before_start[newcomer + 1];
             k++) {
            int64_t other = pairs.before[k];
            if (!pairs.near[pairs.place[k]] || master[other] >= 0)
                continue;
            if (p->flux[other] < p->flux[newcomer]) {
                if (eats(p, newcomer, other))
                    menu[eaten++] = other;
            } else if (eats(p, other, newcomer)) {
                merge(p, &pairs, master, newcomer, other);
                break;
            }
        }
        for (int64_t k = 0; master[newcomer] < 0 && k < eaten; k++)
            merge(p, &pairs, master, menu[k], newcomer);
    }
    free(menu);
    free(pairs.zone);
    free(pairs.before);
    free(pairs.place);
    free(pairs.near);
    free(pairs.zone_start);
    free(pairs.before_start);
    return status;
}

/* Return the pixel that a scan (Lutz 1980) links as the one of a number: pixels left of where
 * the row above begins stand before all earlier ones, the others behind them. */
static int64_t scanned(const int64_t *pixels, int64_t n, int64_t width, int64_t number)
{
    for (int left = 1; left >= 0; left--)
        for (int64_t k = left ? n - 1 : 0; k >= 0 && k < n;) { /* from the last row up, or down */
            int64_t row = pixels[k] / width, begin = k, end = k + 1;
            while (begin > 0 && pixels[begin - 1] / width == row)
                begin--;
            while (end < n && pixels[end] / width == row)
                end++;
            int64_t above = begin - 1, middle = begin; /* the first pixel that is not left */
            while (above > 0 && pixels[above - 1] / width == pixels[above] / width)
                above--;
            while (above >= 0 && middle < end && pixels[middle] % width < pixels[above] % width)
                middle++;
            int64_t from = left ? begin : middle, size = (left ? middle : end) - from;
            if (number < size)
                return from + number;
            number -= size;
            k = left ? begin - 1 : end;
        }
    return 0;
}

/* Return the k-th highest value; `heap` has room for k. */
static double highest(const double *values, int64_t n, int64_t without, int64_t k, double *heap)
{
    int64_t size = 0;
    for (int64_t i = 0; i < n; i++) {
        double value = values[i];
        int64_t at = 0;
        if (i == without || (size == k && !(value > heap[0])))
            continue;
        if (size < k) {
            for (at = size++; at && heap[(at - 1) / 2] > value; at = (at - 1) / 2)
                heap[at] = heap[(at - 1) / 2];
        } else {
            for (int64_t son = 1; son < size; son = 2 * at + 1) {
                son += son + 1 < size && heap[son + 1] < heap[son];
                if (!(heap[son] < value))
                    break;
                heap[at] = heap[son];
                at = son;
            }
        }
        heap[at] = value;
    }
    return heap[0];
}

int find_least(const int64_t *pixels, const double *above, const int64_t *starts,
                     int64_t count, int64_t width, int64_t minarea, int64_t small, double *least)
{
    double *heap = malloc((size_t)minarea * sizeof *heap);
    if (!heap)
        return -1;
    for (int64_t i = 0; i < count; i++) {
        int64_t first = starts[i], n = starts[i + 1] - first, without = -1;
        least[i] = 0.0;
        if (n < minarea)
            continue;
        if (n <= small)
            without = scanned(pixels + first, n, width, n == minarea ? 0 : minarea);
        least[i] = n == minarea ? above[first + without]
                                : highest(above + first, n, without, minarea, heap);
    }
    free(heap);
    return 0;
}

void counts_over(const float *values, const int64_t *starts, int64_t count, const double *limits,
                int64_t levels, int64_t *over)
{
    for (int64_t i = 0; i < count; i++)
        for (int64_t level = 0; level < levels; level++) {
            double limit = limits[level * count + i];
            int64_t sum = 0;
            for (int64_t k = starts[i]; k < starts[i + 1]; k++)
                sum += values[k] > limit;
            over[level * count + i] = sum;
        }
}
