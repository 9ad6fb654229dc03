/* SPDX-License-Identifier: LGPL-3.0-or-later. It follows sep (Barbary 2016, JOSS 1, 58; Bertin &
 * Arnouts 1996, A&AS 117, 393), which is under that licence: see COPYING.LESSER. */

/* The background on a mesh, as sep has it: clipped modes, a median filter, bicubic splines.
 * What is float and what double is as there. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mesh.h"

enum { MOST_LEVELS = 4096 };

static const double PI = 3.14159265358979323846, NOTHING = -1e30;

typedef struct {
    double sum, squares;
    int64_t count;
    float low, high;
} Sums;

static void add(Sums *sums, const float *row, const unsigned char *mask, int64_t n)
{
    for (int64_t x = 0; x < n; x++)
        if (!(mask && mask[x]) && row[x] >= sums->low && row[x] <= sums->high) {
            double value = row[x];
            sums->sum += value;
            sums->squares += value * value;
            sums->count++;
        }
}

typedef float Floats __attribute__((vector_size(16)));
typedef int32_t Whole __attribute__((vector_size(16)));
typedef float Pair __attribute__((vector_size(8)));
typedef double Doubles __attribute__((vector_size(16)));

/* The same for four cells side by side, so that no sum waits for the one before. */
static void add_four(Sums *sums, const float *row, const unsigned char *mask, int64_t bw)
{
    const float *b = row + bw, *c = b + bw, *d = c + bw;
    Floats low = {sums[0].low, sums[1].low, sums[2].low, sums[3].low};
    Floats high = {sums[0].high, sums[1].high, sums[2].high, sums[3].high};
    Doubles sum[] = {{sums[0].sum, sums[1].sum}, {sums[2].sum, sums[3].sum}};
    Doubles squares[] = {{sums[0].squares, sums[1].squares}, {sums[2].squares, sums[3].squares}};
    Whole count = {0, 0, 0, 0};
    for (int64_t x = 0; x < bw; x++) {
        Floats value = {row[x], b[x], c[x], d[x]};
        Whole in = (value >= low) & (value <= high);
        if (mask) {
            Whole hidden = {mask[x], mask[bw + x], mask[2 * bw + x], mask[3 * bw + x]};
            in &= hidden == 0;
        }
        Floats taken = (Floats)((Whole)value & in);
        Doubles left = __builtin_convertvector(((Pair){taken[0], taken[1]}), Doubles);
        Doubles right = __builtin_convertvector(((Pair){taken[2], taken[3]}), Doubles);
        sum[0] += left;
        sum[1] += right;
        squares[0] += left * left;
        squares[1] += right * right;
        count -= in;
    }
    for (int k = 0; k < 4; k++) {
        sums[k].sum = sum[k / 2][k % 2];
        sums[k].squares = squares[k / 2][k % 2];
        sums[k].count += count[k];
    }
}

/* Add up the pixels of all cells of a row of cells within the limits of each. */
static void sum_cells(const Mesh *mesh, const float *data, const unsigned char *mask,
                      int64_t rows, Sums *sums)
{
    for (int64_t y = 0; y < rows; y++)
        for (int64_t m = 0; m < mesh->nx;) {
            int64_t at = y * mesh->width + m * mesh->bw, left = mesh->width - m * mesh->bw;
            if (left >= 4 * mesh->bw) {
                add_four(sums + m, data + at, mask ? mask + at : NULL, mesh->bw);
                m += 4;
            } else {
                add(sums + m, data + at, mask ? mask + at : NULL,
                    left < mesh->bw ? left : mesh->bw);
                m++;
            }
        }
}

/* Sums over a histogram up to each bin: of its counts, times the bin, times its square. They
 * are whole numbers below 2^53, so that their order is of no importance. */
typedef struct {
    int64_t count[MOST_LEVELS + 1], first[MOST_LEVELS + 1], second[MOST_LEVELS + 1];
} Moments;

static void sum_levels(const int64_t *histo, int levels, Moments *up_to)
{
    int64_t count = 0, first = 0, second = 0;
    for (int64_t i = 0; i < levels; i++) {
        up_to->count[i] = count;
        up_to->first[i] = first;
        up_to->second[i] = second;
        count += histo[i];
        first += histo[i] * i;
        second += histo[i] * i * i;
    }
    up_to->count[levels] = count;
    up_to->first[levels] = first;
    up_to->second[levels] = second;
}

/* Return where the bins are divided when the lesser half always gets the next one. */
static int64_t divide(const int64_t *count, int64_t low, int64_t high)
{
    int64_t whole = count[high + 1] + count[low];
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (count[middle] + count[middle + 1] >= whole)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Find the mode in a histogram. */
static void guess(const int64_t *histo, int levels, Moments *up_to, float mean, float zero,
                  float scale, float *back, float *rms)
{
    int64_t last = levels - 1, low = 0, high = last;
    double sig = 10.0 * last, before = 1.0, mea = mean, med = mean;
    sum_levels(histo, levels, up_to);
    for (int n = 100; n-- && sig >= 0.1 && fabs(sig / before - 1.0) > 1e-4;) {
        int64_t up = low, sum = 0;
        before = sig;
        mea = sig = 0.0;
        double below = 0.0, above = 0.0;
        if (low <= high) {
            up = divide(up_to->count, low, high);
            below = up_to->count[up] - up_to->count[low];
            above = up_to->count[high + 1] - up_to->count[up];
            sum = up_to->count[high + 1] - up_to->count[low];
            mea = up_to->first[high + 1] - up_to->first[low];
            sig = up_to->second[high + 1] - up_to->second[low];
        }
        int64_t down = low <= high ? up - 1 : high;
        med = 0.0;
        if (down >= 0) {
            int64_t most = histo[up] > histo[down] ? histo[up] : histo[down];
            med = (down + 0.5) + (above - below) / (2.0 * most);
        }
        if (sum) {
            mea /= (double)sum;
            sig = sig / sum - mea * mea;
        }
        sig = sig > 0.0 ? sqrt(sig) : 0.0;
        double edge = med - 3.0 * sig;
        low = edge > 0.0 ? (int64_t)(edge + 0.5) : 0;
        edge = med + 3.0 * sig;
        high = edge < last ? (int64_t)(edge > 0.0 ? edge + 0.5 : edge - 0.5) : last;
    }
    if (!(fabs(sig) > 0.0))
        *back = (float)(zero + mea * scale);
    else if (fabs((mea - med) / sig) < 0.3)
        *back = (float)(zero + (2.5 * med - 1.5 * mea) * scale);
    else
        *back = (float)(zero + med * scale);
    *rms = (float)(sig * scale);
}

static void count_levels(int64_t *histo, int levels, const float *row, const unsigned char *mask,
                         int64_t n, float scale, float shift)
{
    int32_t bins[256];
    float limit = (float)levels, nowhere = (float)(levels + 1);
    for (int64_t begin = 0; begin < n; begin += 256) {
        int64_t size = n - begin < 256 ? n - begin : 256;
        for (int64_t x = 0; x < size; x++) {
            float bin = row[begin + x] / scale + shift;
            /* What is in none is counted where nobody looks. */
            bins[x] = (int32_t)((bin > -1.0f) & (bin < limit) ? bin : nowhere);
        }
        for (int64_t x = 0; x < size; x++)
            if (!(mask && mask[begin + x]))
                histo[bins[x]]++;
    }
}

int mesh_cells(Mesh *mesh, const float *data, const unsigned char *mask)
{
    double step = sqrt(2 / PI) * 5 / 4;
    Sums *sums = malloc((size_t)mesh->nx * sizeof *sums);
    int64_t *histo = malloc((MOST_LEVELS + 2) * sizeof *histo);
    Moments *up_to = malloc(sizeof *up_to);
    int status = sums && histo && up_to ? 0 : -1;
    for (int64_t j = 0; !status && j < mesh->ny; j++) {
        int64_t top = j * mesh->bh, left = mesh->height - top;
        int64_t rows = left < mesh->bh ? left : mesh->bh;
        const float *first = data + top * mesh->width;
        const unsigned char *hidden = mask ? mask + top * mesh->width : NULL;
        for (int64_t m = 0; m < mesh->nx; m++)
            sums[m] = (Sums){0.0, 0.0, 0, (float)NOTHING, INFINITY};
        sum_cells(mesh, first, hidden, rows, sums);
        for (int64_t m = 0; m < mesh->nx; m++) {
            int64_t across = mesh->width - m * mesh->bw;
            across = across < mesh->bw ? across : mesh->bw;
            Sums *one = &sums[m];
            mesh->back[j * mesh->nx + m] = 0.0f;
            if ((float)one->count < (float)(across * rows * 0.5)) {
                mesh->back[j * mesh->nx + m] = (float)NOTHING;
                mesh->rms[j * mesh->nx + m] = (float)NOTHING;
            }
            double mean = one->sum / (double)one->count;
            double variance = one->squares / one->count - mean * mean;
            double sigma = variance > 0.0 ? sqrt(variance) : 0.0;
            *one = (Sums){0.0, 0.0, 0, (float)(mean - 2.0 * sigma), (float)(mean + 2.0 * sigma)};
        }
        sum_cells(mesh, first, hidden, rows, sums);
        for (int64_t m = 0; m < mesh->nx; m++) {
            int64_t k = j * mesh->nx + m, x = m * mesh->bw, across = mesh->width - x;
            if (mesh->back[k] <= NOTHING)
                continue;
            double mean = sums[m].sum / (double)sums[m].count;
            double variance = sums[m].squares / sums[m].count - mean * mean;
            double sigma = variance > 0.0 ? sqrt(variance) : 0.0;
            double wanted = step * sums[m].count + 1;
            int levels = wanted < MOST_LEVELS ? (int)wanted : MOST_LEVELS;
            float scale = sigma > 0.0 ? (float)(2 * 5 * sigma / levels) : 1.0f;
            float zero = (float)(mean - 5 * sigma), shift = (float)(0.499999 - zero / scale);
            memset(histo, 0, (size_t)(levels + 1) * sizeof *histo);
            histo[levels + 1] = 0;
            for (int64_t y = 0; y < rows; y++)
                count_levels(histo, levels, first + y * mesh->width + x,
                             hidden ? hidden + y * mesh->width + x : NULL,
                             across < mesh->bw ? across : mesh->bw, scale, shift);
            guess(histo, levels, up_to, (float)mean, zero, scale, &mesh->back[k], &mesh->rms[k]);
        }
    }
    free(sums);
    free(histo);
    free(up_to);
    return status;
}

static int compared(const void *a, const void *b)
{
    float first = *(const float *)a, second = *(const float *)b;
    return first > second ? 1 : first < second ? -1 : 0;
}

static float median(float *values, int64_t n)
{
    qsort(values, (size_t)n, sizeof *values, compared);
    if (n < 2)
        return values[0];
    return n & 1 ? values[n / 2] : (float)((values[n / 2 - 1] + values[n / 2]) / 2.0);
}

/* Give cells that are not valid the mean of the closest that are. */
static void fill_cells(Mesh *mesh, float *filled)
{
    int64_t nx = mesh->nx, ny = mesh->ny;
    for (int64_t py = 0, i = 0; py < ny; py++)
        for (int64_t px = 0; px < nx; px++, i++) {
            filled[i] = mesh->back[i];
            if (!(filled[i] <= NOTHING))
                continue;
            float least = 1e30f, value = 0.0f, sigma = 0.0f;
            int64_t count = 0;
            for (int64_t y = 0, j = 0; y < ny; y++)
                for (int64_t x = 0; x < nx; x++, j++) {
                    if (!(mesh->back[j] > NOTHING))
                        continue;
                    float away = (float)(x - px) * (x - px) + (y - py) * (y - py);
                    if (away < least) {
                        least = away;
                        value = mesh->back[j];
                        sigma = mesh->rms[j];
                        count = 1;
                    } else if (away == least) {
                        value += mesh->back[j];
                        sigma += mesh->rms[j];
                        count++;
                    }
                }
            filled[i] = count ? value / count : 0.0f;
            mesh->rms[i] = count ? sigma / count : 1.0f;
        }
}

int mesh_filter(Mesh *mesh, int64_t fw, int64_t fh, double fthresh)
{
    int64_t nx = mesh->nx, ny = mesh->ny, n = nx * ny, beside = fw / 2, above = fh / 2;
    size_t most = (size_t)((2 * beside + 1) * (2 * above + 1));
    float *backs = malloc(most * sizeof *backs), *sigmas = malloc(most * sizeof *sigmas);
    float *back = malloc((size_t)n * sizeof *back), *rms = malloc((size_t)n * sizeof *rms);
    int status = backs && sigmas && back && rms ? 0 : -1;
    if (!status) {
        fill_cells(mesh, back);
        memcpy(mesh->back, back, (size_t)n * sizeof *back);
        for (int64_t y = 0; y < ny; y++)
            for (int64_t x = 0; x < nx; x++) {
                int64_t v = above, u = beside, count = 0, k = y * nx + x;
                v = ny - 1 - y < v ? ny - 1 - y : v;
                v = y < v ? y : v;
                u = nx - 1 - x < u ? nx - 1 - x : u;
                u = x < u ? x : u;
                for (int64_t j = y - v; j <= y + v; j++)
                    for (int64_t i = x - u; i <= x + u; i++) {
                        backs[count] = mesh->back[j * nx + i];
                        sigmas[count++] = mesh->rms[j * nx + i];
                    }
                float middle = median(backs, count);
                int differs = fabs(middle - mesh->back[k]) >= fthresh;
                back[k] = differs ? middle : mesh->back[k];
                rms[k] = differs ? median(sigmas, count) : mesh->rms[k];
            }
        memcpy(mesh->back, back, (size_t)n * sizeof *back);
        memcpy(mesh->rms, rms, (size_t)n * sizeof *rms);
        mesh->globalback = median(back, n);
        mesh->globalrms = median(rms, n);
        if (mesh->globalrms <= 0.0f) {
            int64_t i = n - 1;
            while (i >= 0 && rms[i] > 0.0f)
                i--;
            mesh->globalrms = i >= 0 && i < n - 1 ? median(rms + i + 1, n - 1 - i) : 1.0f;
        }
    }
    free(backs);
    free(sigmas);
    free(back);
    free(rms);
    return status;
}

/* Second derivatives at n nodes of a natural spline, `step` apart in memory. */
static void derive(const float *node, float *second, float *u, int64_t n, int64_t step)
{
    second[0] = u[0] = 0.0f;
    for (int64_t k = 1; k < n - 1; k++) {
        float part = -1 / (second[(k - 1) * step] + 4);
        second[k * step] = part;
        part *= u[k - 1] - 6 * (node[(k + 1) * step] + node[(k - 1) * step] - 2 * node[k * step]);
        u[k] = part;
    }
    second[(n - 1) * step] = 0.0f;
    for (int64_t k = n - 2; k > 0; k--)
        second[k * step] = (float)((second[k * step] * second[(k + 1) * step] + u[k]) / 6.0);
}

/* Evaluate the spline of a mesh row by row, and take it off the image or put it there. */
int mesh_spline(const Mesh *mesh, const float *values, float *image, int subtract)
{
    int64_t nx = mesh->nx, ny = mesh->ny, width = mesh->width;
    int64_t longest = nx > ny ? nx : ny;
    int status = -1;
    float *down = calloc((size_t)(nx * ny), sizeof *down);
    float *u = malloc((size_t)longest * sizeof *u);
    float *node = malloc((size_t)nx * sizeof *node), *second = calloc((size_t)nx, sizeof *second);
    float *place = malloc((size_t)width * sizeof *place);
    int64_t *left = malloc((size_t)(nx + 1) * sizeof *left); /* first pixel behind each node */
    if (!down || !u || !node || !second || !place || !left)
        goto done;
    if (ny > 1)
        for (int64_t x = 0; x < nx; x++)
            derive(values + x, down + x, u, ny, nx);
    int64_t pieces = 1;
    left[0] = 0;
    if (nx > 1) {
        float step = (float)(1.0 / mesh->bw), dx = (step - 1) / 2;
        float start = ((mesh->bw + 1) % 2) * step / 2;
        for (int64_t p = 0, x = 0, i = 0; p < width; p++, i++, dx += step) {
            if (i == mesh->bw / 2 && x > 0 && x < nx - 1) {
                left[pieces++] = p;
                dx = start;
            }
            place[p] = dx;
            if (i == mesh->bw) {
                x++;
                i = 0;
            }
        }
    }
    left[pieces] = width;
    for (int64_t y = 0; y < mesh->height; y++, image += width) {
        memcpy(node, values, (size_t)nx * sizeof *node);
        if (ny > 1) {
            float dy = (float)((float)y / mesh->bh - 0.5);
            int64_t row = (int64_t)dy;
            dy -= row;
            if (row >= ny - 1) {
                row = ny - 2;
                dy += 1.0;
            }
            float cdy = 1 - dy, dy3 = dy * dy * dy - dy, cdy3 = cdy * cdy * cdy - cdy;
            const float *low = values + row * nx, *high = low + nx;
            const float *dlow = down + row * nx, *dhigh = dlow + nx;
            for (int64_t x = 0; x < nx; x++)
                node[x] = cdy * low[x] + dy * high[x] + cdy3 * dlow[x] + dy3 * dhigh[x];
            if (nx > 1)
                derive(node, second, u, nx, 1);
        }
        for (int64_t k = 0; k < pieces; k++) {
            float a = node[k], b = nx > 1 ? node[k + 1] : 0.0f;
            float da = second[k], db = nx > 1 ? second[k + 1] : 0.0f;
            for (int64_t p = left[k]; p < left[k + 1]; p++) {
                float dx = place[p], cdx = 1 - dx, value = a;
                if (nx > 1)
                    value = cdx * (a + (cdx * cdx - 1) * da) + dx * (b + (dx * dx - 1) * db);
                image[p] = subtract ? image[p] - value : value;
            }
        }
    }
    status = 0;
done:
    free(down);
    free(u);
    free(node);
    free(second);
    free(place);
    free(left);
    return status;
}
