/* SPDX-License-Identifier: LGPL-3.0-or-later. It follows sep (Barbary 2016, JOSS 1, 58; Bertin &
 * Arnouts 1996, A&AS 117, 393), which is under that licence: see COPYING.LESSER. */

/* The background on a mesh: see mr_extract/planes/mesh.py. */

#ifndef MR_EXTRACT_MESH_H
#define MR_EXTRACT_MESH_H

#include <stdint.h>

typedef struct {
    int64_t width, height, bw, bh, nx, ny; /* of the image, of a cell, numbers of cells */
    float *back, *rms;                     /* of the cells */
    float globalback, globalrms;
} Mesh;

int mesh_cells(Mesh *mesh, const float *data, const unsigned char *mask);
int mesh_filter(Mesh *mesh, int64_t fw, int64_t fh, double fthresh);
int mesh_spline(const Mesh *mesh, const float *values, float *image, int subtract);

#endif
