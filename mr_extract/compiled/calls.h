/* SPDX-License-Identifier: LGPL-3.0-or-later. It follows sep (Barbary 2016, JOSS 1, 58; Bertin &
 * Arnouts 1996, A&AS 117, 393), which is under that licence: see COPYING.LESSER. */

/* What Python calls. */

#ifndef MR_EXTRACT_CALLS_H
#define MR_EXTRACT_CALLS_H

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

/* Give buffers back that were taken. */
void release(Py_buffer *buffers, int count);
/* Return None, or with 1 say that arrays do not fit together, with -1 that memory is out. */
PyObject *ended(int status);

PyObject *eat(PyObject *self, PyObject *args);
PyObject *least_thresholds(PyObject *self, PyObject *args);
PyObject *count_over(PyObject *self, PyObject *args);
PyObject *in_boxes(PyObject *self, PyObject *args);
PyObject *by_owner(PyObject *self, PyObject *args);
PyObject *flux_radius(PyObject *self, PyObject *args);
PyObject *follow_windows(PyObject *self, PyObject *args);
PyObject *profiles(PyObject *self, PyObject *args);
PyObject *kron_radius(PyObject *self, PyObject *args);
PyObject *sum_ellipse(PyObject *self, PyObject *args);
PyObject *near_points(PyObject *self, PyObject *args);

#endif
