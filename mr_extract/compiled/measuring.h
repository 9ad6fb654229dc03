/* SPDX-License-Identifier: LGPL-3.0-or-later. It follows sep (Barbary 2016, JOSS 1, 58; Bertin &
 * Arnouts 1996, A&AS 117, 393), which is under that licence: see COPYING.LESSER. */

/* What Python calls of what is measured around objects. */

#ifndef MR_EXTRACT_MEASURING_H
#define MR_EXTRACT_MEASURING_H

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

PyObject *in_boxes(PyObject *self, PyObject *args);
PyObject *by_owner(PyObject *self, PyObject *args);
PyObject *flux_radius(PyObject *self, PyObject *args);
PyObject *follow_windows(PyObject *self, PyObject *args);
PyObject *profiles(PyObject *self, PyObject *args);
PyObject *kron_radius(PyObject *self, PyObject *args);
PyObject *sum_ellipse(PyObject *self, PyObject *args);

#endif
