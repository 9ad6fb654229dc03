/* SPDX-License-Identifier: LGPL-3.0-or-later. It follows sep (Barbary 2016, JOSS 1, 58; Bertin &
 * Arnouts 1996, A&AS 117, 393), which is under that licence: see COPYING.LESSER. */

/* What Python calls. The twin of every function here is in Python, and says what it does. */

#include "calls.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mesh.h"
#include "scan.h"

typedef struct {
    const float *data, *noise, *kernel;
    const unsigned char *mask;
    int64_t width, height, rows, columns;
    float thresh;
    int minarea;
} Frame;

typedef struct {
    Objects objects;
    int minarea;
} Found;

static int found_object(void *to, const Chain *chain)
{
    Found *found = to;
    if (chain->count < found->minarea)
        return 0;
    return objects_add(&found->objects, chain, 0.0f) ? 0 : -1;
}

static int pixels_grow(Pixels *pixels, int64_t count)
{
    if (count <= pixels->room)
        return 0;
    int64_t room = 2 * pixels->room > count ? 2 * pixels->room : count;
    void *x = realloc(pixels->x, (size_t)room * sizeof(int32_t));
    pixels->x = x ? x : pixels->x;
    void *y = realloc(pixels->y, (size_t)room * sizeof(int32_t));
    pixels->y = y ? y : pixels->y;
    void *next = realloc(pixels->next, (size_t)room * sizeof(int32_t));
    pixels->next = next ? next : pixels->next;
    void *value = realloc(pixels->value, (size_t)room * sizeof(float));
    pixels->value = value ? value : pixels->value;
    void *filtered = realloc(pixels->filtered, (size_t)room * sizeof(float));
    pixels->filtered = filtered ? filtered : pixels->filtered;
    if (!x || !y || !next || !value || !filtered)
        return -1;
    pixels->room = room;
    return 0;
}

static void pixels_free(Pixels *pixels)
{
    free(pixels->x);
    free(pixels->y);
    free(pixels->next);
    free(pixels->value);
    free(pixels->filtered);
    free(pixels->of);
    free(pixels->maximum);
    free(pixels->taken);
}

/* Copy a row between margins of zeros; masked pixels count as 0. */
static void read_row(const Frame *frame, int64_t y, float *padded)
{
    float *row = padded + frame->columns / 2;
    memcpy(row, frame->data + y * frame->width, (size_t)frame->width * sizeof *row);
    if (!frame->mask)
        return;
    const unsigned char *mask = frame->mask + y * frame->width;
    for (int64_t x = 0; x < frame->width; x++)
        if (mask[x])
            row[x] = 0.0f;
}

/* Add a row of the kernel; the sums are in the order of its weights. */
static void add_row(float *restrict sum, const float *restrict row, const float *weights,
                    int64_t columns, int64_t width)
{
    int64_t i = 0;
    for (; i + 3 <= columns; i += 3) {
        float a = weights[i], b = weights[i + 1], c = weights[i + 2];
        for (int64_t x = 0; x < width; x++)
            sum[x] = ((sum[x] + a * row[x + i]) + b * row[x + i + 1]) + c * row[x + i + 2];
    }
    for (; i < columns; i++)
        for (int64_t x = 0; x < width; x++)
            sum[x] += weights[i] * row[x + i];
}

static int pass(const Frame *frame, Pixels *pixels, Found *found)
{
    int64_t width = frame->width, height = frame->height, rows = frame->rows;
    int64_t padded = width + frame->columns, read = 0;
    int status = -1;
    Links links = {0};
    float *ring = calloc((size_t)(rows * padded), sizeof *ring);
    float *sum = malloc((size_t)width * sizeof *sum);
    float *limit = malloc((size_t)width * sizeof *limit);
    int32_t *number = malloc((size_t)width * sizeof *number);
    if (!ring || !sum || !limit || !number || links_make(&links, width))
        goto done;
    for (int64_t x = 0; x < width; x++)
        limit[x] = frame->thresh;
    for (int64_t y = 0; y < height; y++) {
        int64_t first = y - rows / 2;
        for (; read < height && read < first + rows; read++)
            read_row(frame, read, ring + read % rows * padded);
        memset(sum, 0, (size_t)width * sizeof *sum);
        for (int64_t j = 0; j < rows; j++)
            if (first + j >= 0 && first + j < height)
                add_row(sum, ring + (first + j) % rows * padded, frame->kernel + j * frame->columns,
                        frame->columns, width);
        if (frame->noise) {
            const float *noise = frame->noise + y * width;
            for (int64_t x = 0; x < width; x++)
                limit[x] = frame->thresh * noise[x];
        }
        for (int64_t x = 0; x < width; x++)
            links.over[x] = sum[x] > limit[x];
        if (frame->noise && frame->mask)
            for (int64_t x = 0; x < width; x++)
                links.over[x] &= !frame->mask[y * width + x];
        int64_t count = pixels->count;
        if (pixels_grow(pixels, count + width))
            goto done;
        const float *values = ring + y % rows * padded + frame->columns / 2;
        for (int64_t x = 0; x < width; x++) {
            uint64_t eight = 1;
            if (x + 8 <= width)
                memcpy(&eight, links.over + x, 8);
            if (!eight) {
                x += 7;
                continue;
            }
            if (!links.over[x])
                continue;
            pixels->x[count] = (int32_t)x;
            pixels->y[count] = (int32_t)y;
            pixels->value[count] = values[x];
            pixels->filtered[count] = sum[x];
            number[x] = (int32_t)count++;
        }
        pixels->count = count;
        if (link_row(&links, pixels->next, number, 0, width - 1, y == 0 || y == height - 1,
                     found_object, found))
            goto done;
    }
    memset(links.over, 0, (size_t)width);
    status = link_row(&links, pixels->next, number, 0, width - 1, 0, found_object, found);
done:
    free(ring);
    free(sum);
    free(limit);
    free(number);
    links_free(&links);
    return status;
}

static float mean_threshold(const Frame *frame, const Pixels *pixels, const Chain *chain)
{
    if (!frame->noise)
        return frame->thresh;
    double sum = 0.0;
    for (int64_t k = chain->first; k >= 0; k = pixels->next[k])
        sum += frame->thresh * sigma_at(pixels, k);
    return (float)(sum / (int)chain->count);
}

static int objects_of(const Frame *frame, Pixels *pixels, Found *found, int levels,
                      double contrast, double gain, int32_t *labels, Objects *out)
{
    size_t n = (size_t)pixels->count + 1;
    unsigned int seed = 1;
    pixels->of = malloc(n * sizeof *pixels->of);
    pixels->maximum = calloc(n, 1);
    pixels->taken = calloc(n, 1);
    if (!pixels->of || !pixels->maximum || !pixels->taken)
        return -1;
    for (int64_t i = 0; i < found->objects.count; i++) {
        Object *parent = &found->objects.item[i];
        parent->thresh = mean_threshold(frame, pixels, &parent->chain);
        extents_and_peaks(pixels, parent);
        int status = deblend(pixels, parent, levels, contrast, frame->minarea, &seed, out);
        if (status)
            return status;
    }
    for (int64_t k = 0; k < pixels->count; k++)
        pixels->of[k] = -1;
    for (int64_t i = 0; i < out->count; i++) {
        moments(pixels, &out->item[i], gain);
        for (int64_t k = out->item[i].chain.first; k >= 0; k = pixels->next[k]) {
            pixels->of[k] = (int32_t)i;
            labels[pixels->y[k] * frame->width + pixels->x[k]] = (int32_t)i + 1;
        }
    }
    return 0;
}

enum { FIELDS = 29, RECORD = 8 * FIELDS + 2 };

/* Write an object as one record of the array that sep.extract returns. */
static void write_record(const Object *o, char *record)
{
    int64_t whole[] = {o->npix, o->tnpix, o->xmin, o->xmax, o->ymin, o->ymax};
    double real[] = {o->x, o->y, o->x2, o->y2, o->xy, o->errx2, o->erry2, o->errxy,
                     o->a, o->b, o->theta, o->cxx, o->cyy, o->cxy,
                     o->cflux, o->flux, o->cpeak, o->peak};
    int64_t peaks[] = {o->xcpeak, o->ycpeak, o->xpeak, o->ypeak};
    double thresh = o->thresh;
    int16_t flag = (int16_t)o->chain.flag;
    memcpy(record, &thresh, 8);
    memcpy(record += 8, whole, sizeof whole);
    memcpy(record += sizeof whole, real, sizeof real);
    memcpy(record += sizeof real, peaks, sizeof peaks);
    memcpy(record += sizeof peaks, &flag, 2);
}

/* The four arrays of the result, as bytes; pixels that are masked and nobody's are left out. */
static PyObject *result_of(const Frame *frame, const Pixels *pixels, const Objects *out)
{
    PyObject *records = PyByteArray_FromStringAndSize(NULL, out->count * RECORD);
    PyObject *place = PyByteArray_FromStringAndSize(NULL, pixels->count * 8);
    PyObject *filtered = PyByteArray_FromStringAndSize(NULL, pixels->count * 4);
    PyObject *owner = PyByteArray_FromStringAndSize(NULL, pixels->count * 4);
    PyObject *result = NULL;
    if (records && place && filtered && owner) {
        for (int64_t i = 0; i < out->count; i++)
            write_record(&out->item[i], PyByteArray_AsString(records) + i * RECORD);
        int64_t *p = (int64_t *)(void *)PyByteArray_AsString(place), n = 0;
        float *f = (float *)(void *)PyByteArray_AsString(filtered);
        int32_t *o = (int32_t *)(void *)PyByteArray_AsString(owner);
        for (int64_t k = 0; k < pixels->count; k++) {
            int64_t at = pixels->y[k] * frame->width + pixels->x[k];
            if (pixels->of[k] < 0 && frame->mask && frame->mask[at])
                continue;
            p[n] = at;
            f[n] = pixels->filtered[k];
            o[n++] = pixels->of[k];
        }
        if (!PyByteArray_Resize(place, n * 8) && !PyByteArray_Resize(filtered, n * 4)
            && !PyByteArray_Resize(owner, n * 4))
            result = PyTuple_Pack(4, records, place, filtered, owner);
    }
    Py_XDECREF(records);
    Py_XDECREF(place);
    Py_XDECREF(filtered);
    Py_XDECREF(owner);
    return result;
}

static PyObject *scan(PyObject *self, PyObject *args)
{
    (void)self;
    Py_buffer data, kernel, noise = {0}, mask = {0}, labels;
    Frame frame = {0};
    Pixels pixels = {0};
    Found found = {{0}, 0};
    Objects out = {0};
    long long height, width, rows, columns, most;
    int levels, has_noise;
    double contrast, gain;
    if (!PyArg_ParseTuple(args, "y*LLy*LLz*z*w*ffpddiiL", &data, &height, &width, &kernel, &rows,
                          &columns, &noise, &mask, &labels, &frame.thresh, &pixels.sigma,
                          &has_noise, &gain, &contrast, &frame.minarea, &levels, &most))
        return NULL;
    PyObject *result = NULL;
    int64_t size = height * width;
    if (data.len != size * 4 || labels.len != size * 4 || kernel.len != rows * columns * 4
        || (noise.buf && noise.len != size * 4) || (mask.buf && mask.len != size)
        || width < 1 || height < 1 || rows < 1 || columns < 1 || size > INT32_MAX) {
        PyErr_SetString(PyExc_ValueError, "arrays of other sizes");
        goto done;
    }
    frame.data = data.buf;
    frame.kernel = kernel.buf;
    frame.noise = pixels.noise = noise.buf;
    frame.mask = mask.buf;
    frame.height = pixels.height = height;
    frame.width = pixels.width = width;
    frame.rows = rows;
    frame.columns = columns;
    found.minarea = frame.minarea;
    pixels.has_noise = has_noise;
    int status, too_many = 0;
    Py_BEGIN_ALLOW_THREADS
    status = pass(&frame, &pixels, &found);
    too_many = pixels.count > most;
    if (!status && !too_many)
        status = objects_of(&frame, &pixels, &found, levels, contrast, gain, labels.buf, &out);
    Py_END_ALLOW_THREADS
    if (status < 0)
        PyErr_NoMemory();
    else if (too_many || status > 0)
        result = Py_NewRef(Py_None);
    else
        result = result_of(&frame, &pixels, &out);
done:
    pixels_free(&pixels);
    free(found.objects.item);
    free(out.item);
    PyBuffer_Release(&data);
    PyBuffer_Release(&kernel);
    PyBuffer_Release(&labels);
    if (noise.obj)
        PyBuffer_Release(&noise);
    if (mask.obj)
        PyBuffer_Release(&mask);
    return result;
}

static PyObject *mesh(PyObject *self, PyObject *args)
{
    (void)self;
    Py_buffer data, mask = {0};
    long long fw, fh;
    double fthresh;
    Mesh mesh = {0};
    long long width, height, bw, bh;
    if (!PyArg_ParseTuple(args, "y*LLz*LLLLd", &data, &height, &width, &mask, &bw, &bh, &fw, &fh,
                          &fthresh))
        return NULL;
    PyObject *back = NULL, *rms = NULL, *result = NULL;
    if (width < 1 || height < 1 || bw < 1 || bh < 1 || fw < 0 || fh < 0
        || data.len != width * height * 4 || (mask.buf && mask.len != width * height)) {
        PyErr_SetString(PyExc_ValueError, "arrays of other sizes");
        goto done;
    }
    mesh = (Mesh){width, height, bw, bh, (width - 1) / bw + 1, (height - 1) / bh + 1,
                  NULL, NULL, 0.0f, 0.0f};
    back = PyByteArray_FromStringAndSize(NULL, mesh.nx * mesh.ny * 4);
    rms = PyByteArray_FromStringAndSize(NULL, mesh.nx * mesh.ny * 4);
    if (!back || !rms)
        goto done;
    mesh.back = (float *)(void *)PyByteArray_AsString(back);
    mesh.rms = (float *)(void *)PyByteArray_AsString(rms);
    int status;
    Py_BEGIN_ALLOW_THREADS
    status = mesh_cells(&mesh, data.buf, mask.buf) || mesh_filter(&mesh, fw, fh, fthresh);
    Py_END_ALLOW_THREADS
    if (status)
        PyErr_NoMemory();
    else
        result = Py_BuildValue("OOdd", back, rms, mesh.globalback, mesh.globalrms);
done:
    Py_XDECREF(back);
    Py_XDECREF(rms);
    PyBuffer_Release(&data);
    if (mask.obj)
        PyBuffer_Release(&mask);
    return result;
}

static PyObject *spline(PyObject *self, PyObject *args)
{
    (void)self;
    Py_buffer values, image;
    long long width, height, bw, bh;
    int subtract;
    if (!PyArg_ParseTuple(args, "y*LLw*LLp", &values, &bw, &bh, &image, &height, &width,
                          &subtract))
        return NULL;
    PyObject *result = NULL;
    Mesh mesh = {0};
    if (width > 0 && height > 0 && bw > 0 && bh > 0)
        mesh = (Mesh){width, height, bw, bh, (width - 1) / bw + 1, (height - 1) / bh + 1,
                      NULL, NULL, 0.0f, 0.0f};
    if (!mesh.nx || values.len != mesh.nx * mesh.ny * 4 || image.len != width * height * 4) {
        PyErr_SetString(PyExc_ValueError, "arrays of other sizes");
        goto done;
    }
    int status;
    Py_BEGIN_ALLOW_THREADS
    status = mesh_spline(&mesh, values.buf, image.buf, subtract);
    Py_END_ALLOW_THREADS
    result = status ? PyErr_NoMemory() : Py_NewRef(Py_None);
done:
    PyBuffer_Release(&values);
    PyBuffer_Release(&image);
    return result;
}

void release(Py_buffer *buffers, int count)
{
    for (int k = 0; k < count; k++)
        if (buffers[k].obj)
            PyBuffer_Release(&buffers[k]);
}

PyObject *ended(int status)
{
    if (status > 0)
        PyErr_SetString(PyExc_ValueError, "arrays of other sizes");
    return status > 0 ? NULL : status ? PyErr_NoMemory() : Py_NewRef(Py_None);
}

static PyMethodDef functions[] = {
    {"scan", scan, METH_VARARGS, "See mr_extract.detection.scanning.scan."},
    {"mesh", mesh, METH_VARARGS, "See mr_extract.planes.mesh.Mesh."},
    {"spline", spline, METH_VARARGS, "See mr_extract.planes.mesh.Mesh."},
    {"in_boxes", in_boxes, METH_VARARGS, "See mr_extract.detection.within_boxes.in_boxes."},
    {"by_owner", by_owner, METH_VARARGS, "See mr_extract.detection.within_boxes.by_owner."},
    {"flux_radius", flux_radius, METH_VARARGS, "See mr_extract.measure.light_radii.flux_radius."},
    {"follow_windows", follow_windows, METH_VARARGS,
     "See mr_extract.measure.window_sums.follow_windows."},
    {"profiles", profiles, METH_VARARGS, "See mr_extract.measure.rings.profiles."},
    {"kron_radius", kron_radius, METH_VARARGS, "See mr_extract.measure.ellipse_sums.kron_radius."},
    {"sum_ellipse", sum_ellipse, METH_VARARGS, "See mr_extract.measure.ellipse_sums.sum_ellipse."},
    {"eat", eat, METH_VARARGS, "See mr_extract.detection.meals.eat."},
    {"least_thresholds", least_thresholds, METH_VARARGS,
     "See mr_extract.detection.meals.least_thresholds."},
    {"count_over", count_over, METH_VARARGS,
     "See mr_extract.detection.segments.Segments.count_over."},
    {"near_points", near_points, METH_VARARGS, "See mr_extract.objects.matching.Near.to."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, .m_name = "kernels", .m_size = 0, .m_methods = functions,
};

PyMODINIT_FUNC PyInit_kernels(void)
{
    return PyModule_Create(&module);
}
