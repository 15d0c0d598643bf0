/* planes.h - filling padded planes from natural n x n arrays of doubles. */
#ifndef ODEV_PLANES_H
#define ODEV_PLANES_H

#include <stdlib.h>
#include <string.h>

#include "geometry.h"

/* A cursor over one zeroed allocation from which planes are cut, 64-byte aligned. */
typedef struct {
  float *storage;
  size_t used, size;
} odev_arena;

/* Floats that a plane takes up in an arena: whole cache lines, and of a large plane a few more, so that the
 * same pixel of many planes doesn't fall on one set of the first-level cache. */
static inline size_t odev_round_up(size_t count) {
  enum { LINE = 16, SKEW = 3 * LINE, LARGE = 1024 };
  return (count + LINE - 1) / LINE * LINE + (count >= LARGE ? SKEW : 0);
}

static inline int odev_arena_init(odev_arena *arena, size_t floats) {
  arena->used = 0;
  arena->size = (floats + 15) / 16 * 16;
  arena->storage = aligned_alloc(64, arena->size * sizeof(float));
  if (!arena->storage) return -1;
  memset(arena->storage, 0, arena->size * sizeof(float));
  return 0;
}

static inline float *odev_arena_take(odev_arena *arena, size_t floats) {
  float *const at = arena->storage + arena->used;
  arena->used += odev_round_up(floats);
  return at;
}

/* factor * source[at * stride], onto a plain plane. */
static inline const float *odev_plain_from(odev_arena *arena, odev_geometry g, const double *source,
                                           size_t stride, double factor) {
  float *const plane = odev_arena_take(arena, odev_plain_size(g));
  for (int r = 0; r < g.n; ++r)
    for (int c = 0; c < g.n; ++c)
      plane[r * g.ld + c] = (float)(factor * source[((size_t)r * (size_t)g.n + (size_t)c) * stride]);
  return plane;
}

static inline const float *odev_halo_from(odev_arena *arena, odev_geometry g, const double *source) {
  float *const origin = odev_arena_take(arena, odev_halo_size(g)) + odev_halo_origin(g);
  for (int r = 0; r < g.n; ++r)
    for (int c = 0; c < g.n; ++c) origin[r * g.pitch + c] = (float)source[(size_t)r * (size_t)g.n + (size_t)c];
  return origin;
}

#endif
