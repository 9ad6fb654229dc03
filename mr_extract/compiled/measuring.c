/* SPDX-License-Identifier: LGPL-3.0-or-later. It follows sep (Barbary 2016, JOSS 1, 58; Bertin &
 * Arnouts 1996, A&AS 117, 393), which is under that licence: see COPYING.LESSER. */

/* What Python calls of what is measured around objects: see the twins. */

#include "measuring.h"

#include <stdlib.h>

#include "around.h"
#include "growth.h"
#include "windows.h"

static void release(Py_buffer *buffers, int count)
{
    for (int k = 0; k < count; k++)
        if (buffers[k].obj)
            PyBuffer_Release(&buffers[k]);
}

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
    } else {
        PyErr_SetString(PyExc_ValueError, "arrays of other sizes");
    }
    Py_buffer all[] = {data, x, y, rmax, whole, fractions, radii};
    release(all, 7);
    return fine ? Py_NewRef(Py_None) : NULL;
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
    if (status > 0)
        PyErr_SetString(PyExc_ValueError, "arrays of other sizes");
    return status > 0 ? NULL : status ? PyErr_NoMemory() : Py_NewRef(Py_None);
}
