/* SPDX-License-Identifier: LGPL-3.0-or-later. It follows sep (Barbary 2016, JOSS 1, 58; Bertin &
 * Arnouts 1996, A&AS 117, 393), which is under that licence: see COPYING.LESSER. */

/* Arrays that grow. */

#ifndef MR_EXTRACT_ROOM_H
#define MR_EXTRACT_ROOM_H

#include <stdint.h>
#include <stdlib.h>

/* Return an array with room for at least so many things, 1 or more; NULL, and the array as it
 * was, without memory. */
static inline void *grown(void *array, int64_t *room, int64_t count, size_t size)
{
    if (count <= *room)
        return array;
    void *larger = realloc(array, 2 * (size_t)count * size);
    if (larger)
        *room = 2 * count;
    return larger;
}

#endif
