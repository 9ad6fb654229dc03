/* SPDX-License-Identifier: LGPL-3.0-or-later. It follows sep (Barbary 2016, JOSS 1, 58; Bertin &
 * Arnouts 1996, A&AS 117, 393), which is under that licence: see COPYING.LESSER. */

/* What Python calls of what is measured around objects: see the twins. */

#include "calls.h"

#include <stdlib.h>

#include "around.h"
#include "ellipses.h"
#include "growth.h"
#include "windows.h"

PyObject *in_boxes(PyObject *self, PyObject *args)
{
    (void)self;
    Py_buffer b[9] = {{0}};
    long long height, width;
    if (!PyArg_ParseTuple(args, "y*y*y*LLy*y*y*y*z*z*", &b[0], &b[1], &b[2], &height, &width,
                          &b[3], &b[4], &b[5], &b[6], &b[7], &b[8]))
        return NULL;
    PyObject *result = NULL;
    Hits hits = {0};
    int64_t n = b[3].len / 8, m = b[0].len / 8;
    int fine = height > 0 && width > 0 && b[1].len == m * 4 && b[2].len == (height + 1) * 8
               && b[4].len == n * 8 && b[5].len == n * 8 && b[6].len == n * 8
               && (!b[7].buf || b[7].len == n * 8) && (!b[8].buf || b[8].len == 6 * n * 8);
    Others others = {b[0].buf, b[2].buf, b[1].buf, width, height};
    if (!fine || !others_fine(&others, m)) {
        PyErr_SetString(PyExc_ValueError, "arrays of other sizes");
        goto done;
    }
    Boxes boxes = {n, b[3].buf, b[4].buf, b[5].buf, b[6].buf, b[7].buf, b[8].buf};
    if (find_in_boxes(&others, &boxes, &hits)) {
        PyErr_NoMemory();
        goto done;
    }
    PyObject *box = PyByteArray_FromStringAndSize(NULL, hits.count * 8);
    PyObject *pixel = PyByteArray_FromStringAndSize(NULL, hits.count * 8);
    PyObject *label = PyByteArray_FromStringAndSize(NULL, hits.count * 4);
    if (box && pixel && label) {
        int64_t *to_box = (int64_t *)(void *)PyByteArray_AsString(box);
        int64_t *to_pixel = (int64_t *)(void *)PyByteArray_AsString(pixel);
        int32_t *to_label = (int32_t *)(void *)PyByteArray_AsString(label);
        for (int64_t k = 0; k < hits.count; k++) {
            to_box[k] = hits.item[k].box;
            to_pixel[k] = hits.item[k].pixel;
            to_label[k] = hits.item[k].label;
        }
        result = PyTuple_Pack(3, box, pixel, label);
    }
    Py_XDECREF(box);
    Py_XDECREF(pixel);
    Py_XDECREF(label);
done:
    free(hits.item);
    release(b, 9);
    return result;
}

PyObject *by_owner(PyObject *self, PyObject *args)
{
    (void)self;
    Py_buffer owner, order;
    long long count;
    if (!PyArg_ParseTuple(args, "y*Lw*", &owner, &count, &order))
        return NULL;
    int status = 1;
    if (count >= 0 && owner.len == order.len)
        status = order_by_owner(owner.buf, owner.len / 8, count, order.buf);
    PyBuffer_Release(&owner);
    PyBuffer_Release(&order);
    if (status > 0)
        PyErr_SetString(PyExc_ValueError, "owners beyond their number");
    return status > 0 ? NULL : status ? PyErr_NoMemory() : Py_NewRef(Py_None);
}

PyObject *flux_radius(PyObject *self, PyObject *args)
{
    (void)self;
    Py_buffer data, x, y, rmax, whole, fractions, radii;
    long long height, width;
    if (!PyArg_ParseTuple(args, "y*LLy*y*y*y*y*w*", &data, &height, &width, &x, &y, &rmax, &whole,
                          &fractions, &radii))
        return NULL;
    int64_t n = x.len / 8, count = fractions.len / 8;
    int fine = height > 0 && width > 0 && data.len == height * width * 4 && y.len == x.len
               && rmax.len == x.len && whole.len == x.len && radii.len == n * count * 8;
    if (fine) {
        Image image = {data.buf, width, height};
        const double *px = x.buf, *py = y.buf, *far = rmax.buf, *total = whole.buf;
        Py_BEGIN_ALLOW_THREADS
        for (int64_t k = 0; k < n; k++)
            find_radii(&image, px[k], py[k], far[k], total[k], fractions.buf, count,
                       (double *)radii.buf + k * count);
        Py_END_ALLOW_THREADS
    }
    Py_buffer all[] = {data, x, y, rmax, whole, fractions, radii};
    release(all, 7);
    return ended(!fine);
}


PyObject *follow_windows(PyObject *self, PyObject *args)
{
    (void)self;
    Py_buffer b[9] = {{0}}; /* data, noise, pixels, rows and labels of others, x, y, sigma, sums */
    long long height, width;
    Scene scene = {0};
    if (!PyArg_ParseTuple(args, "y*LLz*ddy*y*y*ppy*y*y*w*", &b[0], &height, &width, &b[1],
                          &scene.variance, &scene.gain, &b[2], &b[3], &b[4], &scene.replaced,
                          &scene.opposite, &b[5], &b[6], &b[7], &b[8]))
        return NULL;
    int64_t n = b[5].len / 8, m = b[2].len / 8, size = height * width * 4;
    int status = 1;
    if (height > 0 && width > 0 && b[0].len == size && (!b[1].buf || b[1].len == size)
        && b[3].len == (height + 1) * 8 && b[4].len == m * 4 && b[6].len == n * 8
        && b[7].len == n * 8 && b[8].len == n * WINDOW_SUMS * 8) {
        scene.data = b[0].buf;
        scene.noise = b[1].buf;
        scene.others = (Others){b[2].buf, b[3].buf, b[4].buf, width, height};
        Py_BEGIN_ALLOW_THREADS
        if (others_fine(&scene.others, m))
            status = follow_windows_of(&scene, n, b[5].buf, b[6].buf, b[7].buf, b[8].buf);
        Py_END_ALLOW_THREADS
    }
    release(b, 9);
    return ended(status);
}

PyObject *profiles(PyObject *self, PyObject *args)
{
    (void)self;
    Py_buffer b[7] = {{0}}; /* data, pixels, rows and labels of others, ellipses, total, count */
    long long height, width;
    int replaced, status = 1;
    if (!PyArg_ParseTuple(args, "y*LLy*y*y*py*w*w*", &b[0], &height, &width, &b[1], &b[2], &b[3],
                          &replaced, &b[4], &b[5], &b[6]))
        return NULL;
    int64_t n = b[4].len / (8 * 8), m = b[1].len / 8, rings = n ? b[5].len / (8 * n) : 0;
    if (height > 0 && width > 0 && b[0].len == height * width * 4 && b[2].len == (height + 1) * 8
        && b[3].len == m * 4 && b[4].len == n * 64 && b[5].len == n * rings * 8
        && b[6].len == b[5].len) {
        Others others = {b[1].buf, b[2].buf, b[3].buf, width, height};
        const double *each = b[4].buf; /* x, y, cxx, cyy, cxy, r, reach, rings per unit */
        double *total = b[5].buf, *count = b[6].buf;
        Py_BEGIN_ALLOW_THREADS
        status = !others_fine(&others, m);
        for (int64_t k = 0; !status && k < n; k++, each += 8) {
            Ellipse ellipse = {each[0], each[1], each[2], each[3], each[4], each[5]};
            ring_profile(b[0].buf, &others, replaced, k, &ellipse, each[6], rings, each[7],
                         total + k * rings, count + k * rings);
        }
        Py_END_ALLOW_THREADS
    }
    release(b, 7);
    return ended(status);
}

/* The ellipse of an object: x, y, a, b, theta, r. */
static Ellipse ellipse_of(const double *each)
{
    Ellipse ellipse = {each[0], each[1], 0.0, 0.0, 0.0, each[5]};
    coefficients(each[2], each[3], each[4], &ellipse);
    return ellipse;
}

PyObject *kron_radius(PyObject *self, PyObject *args)
{
    (void)self;
    Py_buffer b[7] = {{0}}; /* data, mask, labels, numbers, ellipses, radius, flag */
    long long height, width;
    if (!PyArg_ParseTuple(args, "y*LLz*z*y*y*w*w*", &b[0], &height, &width, &b[1], &b[2], &b[3],
                          &b[4], &b[5], &b[6]))
        return NULL;
    int64_t n = b[3].len / 8, size = height * width;
    int fine = height > 0 && width > 0 && b[0].len == size * 4 && (!b[1].buf || b[1].len == size)
               && (!b[2].buf || b[2].len == size * 4) && b[4].len == n * 48 && b[5].len == n * 8
               && b[6].len == n * 2;
    if (fine) {
        Picture picture = {b[0].buf, NULL, b[1].buf, b[2].buf, width, height, 0.0, 0.0};
        const int64_t *number = b[3].buf;
        const double *each = b[4].buf;
        double *radius = b[5].buf;
        int16_t *flag = b[6].buf;
        Py_BEGIN_ALLOW_THREADS
        for (int64_t k = 0; k < n; k++) {
            Ellipse ellipse = ellipse_of(each + 6 * k);
            flag[k] = 0;
            radius[k] = first_moment(&picture, &ellipse, number[k], flag + k);
        }
        Py_END_ALLOW_THREADS
    }
    release(b, 7);
    return ended(!fine);
}

PyObject *sum_ellipse(PyObject *self, PyObject *args)
{
    (void)self;
    Py_buffer b[6] = {{0}}; /* data, noise, ellipses, flux, error, flag */
    long long height, width;
    Picture picture = {0};
    if (!PyArg_ParseTuple(args, "y*LLz*ddy*w*w*w*", &b[0], &height, &width, &b[1], &picture.sigma,
                          &picture.gain, &b[2], &b[3], &b[4], &b[5]))
        return NULL;
    int64_t n = b[2].len / 48, size = height * width * 4;
    int fine = height > 0 && width > 0 && b[0].len == size && (!b[1].buf || b[1].len == size)
               && b[2].len == n * 48 && b[3].len == n * 8 && b[4].len == n * 8
               && b[5].len == n * 2;
    if (fine) {
        const double *each = b[2].buf;
        double *flux = b[3].buf, *error = b[4].buf;
        int16_t *flag = b[5].buf;
        picture.data = b[0].buf;
        picture.noise = b[1].buf;
        picture.width = width;
        picture.height = height;
        Py_BEGIN_ALLOW_THREADS
        for (int64_t k = 0; k < n; k++) {
            Ellipse ellipse = ellipse_of(each + 6 * k);
            flag[k] = 0;
            flux[k] = sum_in_ellipse(&picture, &ellipse, each[6 * k + 3], error + k, flag + k);
        }
        Py_END_ALLOW_THREADS
    }
    release(b, 6);
    return ended(!fine);
}
