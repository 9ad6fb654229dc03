/* SPDX-License-Identifier: LGPL-3.0-or-later. It follows sep (Barbary 2016, JOSS 1, 58; Bertin &
 * Arnouts 1996, A&AS 117, 393), which is under that licence: see COPYING.LESSER. */

/* What Python calls of cleaning. */

#include "calls.h"

#include "cleaning.h"

PyObject *eat(PyObject *self, PyObject *args)
{
    (void)self;
    Py_buffer b[14] = {{0}}; /* nine that stay, flux, npix, pairs' first and second, masters */
    Profiles p = {0};
    if (!PyArg_ParseTuple(args, "y*y*y*y*y*y*y*y*y*w*w*dy*y*w*", &b[0], &b[1], &b[2], &b[3], &b[4],
                          &b[5], &b[6], &b[7], &b[8], &b[9], &b[10], &p.beta, &b[11], &b[12],
                          &b[13]))
        return NULL;
    int64_t n = b[0].len / 8, pairs = b[11].len / 8;
    const int64_t *first = b[11].buf, *second = b[12].buf;
    int status = b[12].len == b[11].len && b[13].len == n * 8 ? 0 : 1;
    for (int k = 0; k < 11; k++)
        status |= b[k].len != n * 8;
    for (int64_t k = 0; !status && k < pairs; k++)
        status = first[k] < 0 || second[k] <= first[k] || second[k] >= n;
    if (!status) {
        const double **each[] = {&p.x, &p.y, &p.cxx, &p.cyy, &p.cxy, &p.area, &p.abcor, &p.thresh,
                                 &p.mthresh};
        for (int k = 0; k < 9; k++)
            *each[k] = b[k].buf;
        p.flux = b[9].buf;
        p.npix = b[10].buf;
        p.count = n;
        Py_BEGIN_ALLOW_THREADS
        status = find_masters(&p, first, second, pairs, b[13].buf);
        Py_END_ALLOW_THREADS
    }
    release(b, 14);
    return ended(status);
}

static int starts_fine(const int64_t *starts, int64_t count, int64_t pixels)
{
    int fine = count >= 0 && starts[0] == 0 && starts[count] == pixels;
    for (int64_t k = 0; fine && k < count; k++)
        fine = starts[k] <= starts[k + 1] && starts[k + 1] <= pixels;
    return fine;
}

PyObject *least_thresholds(PyObject *self, PyObject *args)
{
    (void)self;
    Py_buffer b[4] = {{0}}; /* pixels, above, starts, least */
    long long width, minarea, small;
    if (!PyArg_ParseTuple(args, "y*y*y*LLLw*", &b[0], &b[1], &b[2], &width, &minarea, &small,
                          &b[3]))
        return NULL;
    int64_t m = b[0].len / 8, n = b[2].len / 8 - 1;
    int status = 1;
    if (b[1].len == m * 8 && width > 0 && minarea > 0 && b[3].len == n * 8
        && starts_fine(b[2].buf, n, m))
        status = find_least(b[0].buf, b[1].buf, b[2].buf, n, width, minarea, small, b[3].buf);
    release(b, 4);
    return ended(status);
}

PyObject *count_over(PyObject *self, PyObject *args)
{
    (void)self;
    Py_buffer b[4] = {{0}}; /* values, starts, limits, counts */
    if (!PyArg_ParseTuple(args, "y*y*y*w*", &b[0], &b[1], &b[2], &b[3]))
        return NULL;
    int64_t n = b[1].len / 8 - 1, levels = n > 0 ? b[2].len / (8 * n) : 0;
    int status = 1;
    if (b[2].len == n * levels * 8 && b[3].len == b[2].len
        && starts_fine(b[1].buf, n, b[0].len / 4)) {
        counts_over(b[0].buf, b[1].buf, n, b[2].buf, levels, b[3].buf);
        status = 0;
    }
    release(b, 4);
    return ended(status);
}
