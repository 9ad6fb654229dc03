/* Growth curves: see mr_extract/measure/light_radii.py. */

#ifndef MR_EXTRACT_GROWTH_H
#define MR_EXTRACT_GROWTH_H

#include <stdint.h>

typedef struct {
    const float *data;
    int64_t width, height;
} Image;

void find_radii(const Image *image, double x, double y, double rmax, double whole,
                const double *fractions, int64_t count, double *radii);

#endif
