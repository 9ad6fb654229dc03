/* SPDX-License-Identifier: LGPL-3.0-or-later. It follows sep (Barbary 2016, JOSS 1, 58; Bertin &
 * Arnouts 1996, A&AS 117, 393), which is under that licence: see COPYING.LESSER. */

/* Deblending at many thresholds (Bertin & Arnouts 1996, section 3.2.3), as sep does it.
 *
 * A branch with one local maximum cannot split at any higher level: it is not looked at
 * again, which changes nothing but the time. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "room.h"
#include "scan.h"

enum { MOST_BRANCHES = 16000 };

static const double PI = 3.14159265358979323846;

/* A branch of the tree at one level, with its pixels in a pool, in the order of its chain. */
typedef struct {
    Object object;
    int64_t pixels;       /* first in the pool */
    int64_t sons, nsons;  /* first among the nodes of the next level */
    int maxima, whole;    /* whole: nothing of it has been cut off */
} Node;

typedef struct {
    Pixels *pixels;
    Node *node;
    int64_t nodes, room, pooled, pool_room;
    int32_t *pool;
    int minarea;
    int64_t shell;
    float thresh;
} Tree;

static int tree_add(Tree *tree, const Chain *chain, float thresh)
{
    void *larger = grown(tree->node, &tree->room, tree->nodes + 1, sizeof *tree->node);
    if (!larger)
        return -1;
    tree->node = larger;
    larger = grown(tree->pool, &tree->pool_room, tree->pooled + chain->count, sizeof *tree->pool);
    if (!larger)
        return -1;
    tree->pool = larger;
    Node *node = &tree->node[tree->nodes];
    memset(node, 0, sizeof *node);
    node->object.chain = *chain;
    node->object.thresh = thresh;
    node->pixels = tree->pooled;
    node->whole = 1;
    extents_and_peaks(tree->pixels, &node->object);
    for (int64_t k = chain->first; k >= 0; k = tree->pixels->next[k]) {
        tree->pool[tree->pooled++] = (int32_t)k;
        tree->pixels->of[k] = (int32_t)tree->nodes;
        node->maxima += tree->pixels->maximum[k];
    }
    tree->nodes++;
    return 0;
}

static int found_branch(void *to, const Chain *chain)
{
    Tree *tree = to;
    if (chain->count < tree->minarea || tree->pixels->of[chain->first] != tree->shell)
        return 0;
    return tree_add(tree, chain, tree->thresh);
}

static void chain_again(Tree *tree, Node *node)
{
    int32_t *pool = tree->pool + node->pixels, *next = tree->pixels->next;
    int64_t n = node->object.chain.count;
    for (int64_t k = 0; k < n; k++)
        next[pool[k]] = k + 1 < n ? pool[k + 1] : -1;
    node->object.chain.first = pool[0];
    node->object.chain.last = pool[n - 1];
}

/* Say of each pixel whether none of its eight neighbours is higher; of equals the first is. */
static int mark_maxima(Pixels *pixels, const int32_t *box, int64_t width, int64_t height)
{
    int found = 0;
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++) {
            int32_t k = box[y * width + x], top = 1;
            if (k < 0)
                continue;
            for (int64_t v = y - 1; top && v <= y + 1; v++)
                for (int64_t u = x - 1; top && u <= x + 1; u++) {
                    if (v < 0 || v >= height || u < 0 || u >= width)
                        continue;
                    int32_t other = box[v * width + u];
                    if (other < 0 || other == k)
                        continue;
                    float there = pixels->filtered[other], here = pixels->filtered[k];
                    top = other < k ? there < here : there <= here;
                }
            pixels->maximum[k] = (unsigned char)top;
            found += top;
        }
    return found;
}

/* Give the parent's other pixels to the parts by their profiles, which are Gaussians, by lot. */
static int share_out(Pixels *pixels, const Object *parent, const int32_t *rest, int64_t count,
                     Objects *parts, int64_t first, unsigned int *seed)
{
    int64_t n = parts->count - first;
    float *amp = malloc(2 * (size_t)(n + 1) * sizeof *amp);
    if (!amp)
        return -1;
    float *odds = amp + n + 1;
    for (int64_t i = 0; i < n; i++) {
        Object *part = &parts->item[first + i];
        part->thresh = parent->thresh;
        float extent = (float)(part->npix / (2 * PI * part->abcor * part->a * part->b));
        float most = 4.0f * part->cpeak;
        amp[i] = extent < 70.0 ? part->thresh * expf(extent) : most;
        if (amp[i] > 4.0 * part->cpeak)
            amp[i] = most;
    }
    for (int64_t r = 0; r < count; r++) {
        int64_t k = rest[r], nearest = 0, i;
        int64_t x = pixels->x[k], y = pixels->y[k];
        float least = 1e31f, sum = 0.0f;
        for (i = 0; i < n; i++) {
            const Object *part = &parts->item[first + i];
            float dx = (float)(x - part->x), dy = (float)(y - part->y);
            float away = (float)(0.5 * (part->cxx * dx * dx + part->cyy * dy * dy
                                        + part->cxy * dx * dy) / part->abcor);
            sum = (float)(sum + (away < 70.0 ? amp[i] * expf(-away) : 0.0));
            odds[i] = sum;
            if (away < least) {
                least = away;
                nearest = i;
            }
        }
        i = nearest;
        if (sum > 1.0e-31) {
            float lot = sum * rand_r(seed) / (float)RAND_MAX;
            for (i = 0; i < n && odds[i] < lot; i++)
                ;
            if (i == n)
                i = nearest;
        }
        Chain *chain = &parts->item[first + i].chain;
        pixels->next[chain->last] = (int32_t)k;
        pixels->next[k] = -1;
        chain->last = k;
        chain->count++;
    }
    free(amp);
    return 0;
}

/* Build the tree upwards; the nodes of level k are level[k] to level[k + 1]. */
static int grow(Tree *tree, Links *links, const Object *parent, const int32_t *box,
                int32_t *number, int levels, int64_t *level)
{
    Pixels *pixels = tree->pixels;
    int64_t width = parent->xmax - parent->xmin + 1;
    float peak = parent->cpeak;
    level[0] = 0;
    for (int k = 1; k < levels; k++) {
        level[k] = tree->nodes;
        double thresh0 = parent->thresh;
        tree->thresh = (float)(peak > 0.0 ? thresh0 * pow(peak / thresh0, (double)k / levels)
                                          : thresh0);
        for (int64_t i = level[k - 1]; i < level[k]; i++) {
            tree->node[i].sons = tree->nodes;
            if (tree->node[i].maxima < 2)
                continue;
            Object shell = tree->node[i].object;
            int64_t w = shell.xmax - shell.xmin + 1;
            tree->shell = i;
            links_begin(links, w);
            for (int64_t y = shell.ymin; y <= shell.ymax + 1; y++) {
                memset(links->over, 0, (size_t)w + 1);
                const int32_t *row = box + (y - parent->ymin) * width + shell.xmin - parent->xmin;
                for (int64_t x = 0; y <= shell.ymax && x < w; x++) {
                    number[x] = row[x];
                    links->over[x] = row[x] >= 0 && pixels->filtered[row[x]] > tree->thresh;
                }
                if (link_row(links, pixels->next, number, -shell.xmin,
                             pixels->width - 1 - shell.xmin,
                             y == 0 || y == pixels->height - 1, found_branch, tree))
                    return -1;
            }
            tree->node[i].nsons = tree->nodes - tree->node[i].sons;
        }
    }
    level[levels] = tree->nodes;
    return 0;
}

/* Cut off the branches that hold enough light, from above. */
static int cut(Tree *tree, double least, int levels, const int64_t *level, Objects *out)
{
    for (int k = levels - 2; k >= 0; k--)
        for (int64_t i = level[k]; i < level[k + 1]; i++) {
            Node *node = &tree->node[i];
            int bright = 0;
            for (int64_t j = node->sons; j < node->sons + node->nsons; j++) {
                const Object *son = &tree->node[j].object;
                bright += son->cflux - son->thresh * son->npix > least;
                node->whole &= tree->node[j].whole;
            }
            if (bright < 2)
                continue;
            for (int64_t j = node->sons; j < node->sons + node->nsons; j++) {
                Node *son = &tree->node[j];
                if (!son->whole
                    || !(son->object.cflux - son->object.thresh * son->object.npix > least))
                    continue;
                chain_again(tree, son);
                Object *part = objects_add(out, &son->object.chain, son->object.thresh);
                if (!part)
                    return -1;
                for (int64_t p = part->chain.first; p >= 0; p = tree->pixels->next[p])
                    tree->pixels->taken[p] = 1;
                moments(tree->pixels, part, 0.0);
                part->chain.flag |= MERGED;
            }
            node->whole = 0;
        }
    return 0;
}

/* Divide an object and add its parts, or the object itself, to others; 1 where it has more
 * branches than may be, -1 without memory. */
int deblend(Pixels *pixels, const Object *parent, int levels, double contrast, int minarea,
            unsigned int *seed, Objects *out)
{
    int64_t width = parent->xmax - parent->xmin + 1, height = parent->ymax - parent->ymin + 1;
    int64_t n = parent->chain.count;
    int status = -1;
    Links links = {0};
    Tree tree = {.pixels = pixels, .minarea = minarea < 3 ? minarea : 3};
    int32_t *box = malloc((size_t)(width * height) * sizeof *box);
    int32_t *number = malloc((size_t)width * sizeof *number);
    int32_t *rest = malloc((size_t)n * sizeof *rest);
    int64_t *level = malloc((size_t)(levels + 1) * sizeof *level);
    if (!box || !number || !rest || !level)
        goto done;
    memset(box, -1, (size_t)(width * height) * sizeof *box);
    for (int64_t k = parent->chain.first; k >= 0; k = pixels->next[k]) {
        int64_t x = pixels->x[k], y = pixels->y[k];
        box[(y - parent->ymin) * width + x - parent->xmin] = (int32_t)k;
    }
    int maxima = levels < 2 ? 1 : mark_maxima(pixels, box, width, height);
    if (maxima > MOST_BRANCHES) {
        status = 1;
        goto done;
    }
    if (maxima < 2) {
        Object *same = objects_add(out, &parent->chain, parent->thresh);
        status = same ? 0 : -1;
        goto done;
    }
    if (links_make(&links, width) || tree_add(&tree, &parent->chain, parent->thresh)
        || grow(&tree, &links, parent, box, number, levels, level))
        goto done;
    chain_again(&tree, &tree.node[0]);
    int64_t first = out->count;
    if (cut(&tree, parent->cflux * contrast, levels, level, out))
        goto done;
    if (tree.node[0].whole) {
        Object *same = objects_add(out, &tree.node[0].object.chain, parent->thresh);
        status = same ? 0 : -1;
        goto done;
    }
    int64_t left = 0;
    for (int64_t p = 0; p < n; p++)
        if (!pixels->taken[tree.pool[p]])
            rest[left++] = tree.pool[p];
    status = share_out(pixels, parent, rest, left, out, first, seed);
done:
    free(box);
    free(number);
    free(rest);
    free(level);
    free(tree.node);
    free(tree.pool);
    links_free(&links);
    return status;
}
