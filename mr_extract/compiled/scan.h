/* SPDX-License-Identifier: LGPL-3.0-or-later. It follows sep (Barbary 2016, JOSS 1, 58; Bertin &
 * Arnouts 1996, A&AS 117, 393), which is under that licence: see COPYING.LESSER. */

/* Detection and deblending of one image: see mr_extract/detection/scanning.py. */

#ifndef MR_EXTRACT_SCAN_H
#define MR_EXTRACT_SCAN_H

#include <stdint.h>

enum { TRUNCATED = 0x0002, MERGED = 0x0001, SINGULAR = 0x0008 }; /* as sep's flags */

/* Pixels over the threshold in the order of rows; objects are chains of them. */
typedef struct {
    int64_t count, room, width, height;
    int32_t *x, *y;
    float *value;     /* of the image, 0 where it is masked */
    float *filtered;
    int32_t *next;    /* in its chain, -1 at the end */
    int32_t *of;      /* branch of its object, and at last the number of the object or -1 */
    unsigned char *maximum, *taken; /* higher than its neighbours; given to a part */
    const float *noise;
    float sigma;      /* of all pixels where there is no map */
    int has_noise;
} Pixels;

typedef struct {
    int64_t count, first, last;
    int flag;
} Chain;

typedef struct {
    Chain chain;
    float thresh, cflux, flux, cpeak, peak, a, b, theta, abcor, cxx, cyy, cxy;
    int64_t npix, tnpix, xmin, xmax, ymin, ymax, xcpeak, ycpeak, xpeak, ypeak;
    double x, y, x2, y2, xy, errx2, erry2, errxy;
} Object;

typedef struct {
    int64_t count, room;
    Object *item;
} Objects;

/* One pass over the rows of a box that links pixels to objects (Lutz 1980). */
typedef struct {
    int64_t width;
    unsigned char *over; /* of the row: width + 1 bytes, the last one 0 */
    char *marker, *stack;
    Chain *info, *store;
    int64_t *start, *end;
    int64_t top, depth;
} Links;

typedef int (*Closed)(void *to, const Chain *chain);

int links_make(Links *links, int64_t width);
void links_free(Links *links);
void links_begin(Links *links, int64_t width);
int link_row(Links *links, int32_t *next, const int32_t *number, int64_t first_x,
             int64_t last_x, int at_edge, Closed closed, void *to);

float sigma_at(const Pixels *pixels, int64_t k);
void extents_and_peaks(const Pixels *pixels, Object *object);
void moments(const Pixels *pixels, Object *object, double gain);
Object *objects_add(Objects *objects, const Chain *chain, float thresh);

int deblend(Pixels *pixels, const Object *parent, int levels, double contrast, int minarea,
            unsigned int *seed, Objects *out);

#endif
