/* SPDX-License-Identifier: LGPL-3.0-or-later */

/* Which points are near others: see mr_extract/objects/matching.py. */

#ifndef MR_EXTRACT_NEAR_H
#define MR_EXTRACT_NEAR_H

#include <stdint.h>

typedef struct {
    int64_t count;
    const int64_t *keys, *numbers; /* of cubes, ascending; which points of a list these are */
    const double *xyz;             /* three of each point, in the order of cubes */
} Points;

typedef struct {
    double least2, reach2; /* squares of chords */
    int64_t most; /* 0 for all */
    int64_t low[9], high[9]; /* from the cube of a point to the first and last of cubes in a row */
} Reach;

typedef struct {
    int64_t count, others_room, squares_room;
    int64_t *others;
    double *squares;
} Neighbours;

/* Find for each of points the nearest of others, and count them; 0, or -1 without memory. */
int find_near(const Points *points, const Points *others, Reach reach, int64_t *counts,
              Neighbours *found);

#endif
