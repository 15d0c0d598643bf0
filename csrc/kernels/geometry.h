/* geometry.h - how planes lie in memory.
 *
 * A plain plane has rows of ld floats (ld = N rounded up to 16, so every vector width divides it).
 * A halo plane has rows of pitch = ld + 16 floats and one spare row above and below; its origin is
 * pixel (0, 0), and the zeros around it are what a neighbour outside the chip reads.  The columns
 * from N to ld are zero in every plane.
 */
#ifndef ODEV_GEOMETRY_H
#define ODEV_GEOMETRY_H

#include <stddef.h>

enum { ODEV_LANES = 16, ODEV_MAX_N = 512, ODEV_RECENT_ROWS = 5 };

typedef struct {
  int n, ld, pitch;
} odev_geometry;

static inline odev_geometry odev_geometry_of(int n) {
  odev_geometry g;
  g.n = n;
  g.ld = (n + ODEV_LANES - 1) / ODEV_LANES * ODEV_LANES;
  g.pitch = g.ld + ODEV_LANES;
  return g;
}
static inline size_t odev_plain_size(odev_geometry g) { return (size_t)g.n * (size_t)g.ld; }
static inline size_t odev_halo_size(odev_geometry g) {
  return (size_t)(g.n + 2) * (size_t)g.pitch + ODEV_LANES;
}
static inline size_t odev_halo_origin(odev_geometry g) { return (size_t)g.pitch + ODEV_LANES; }
/* The rows that a sweep has just gone over, and one of zeros. */
static inline size_t odev_recent_size(odev_geometry g) {
  return (size_t)(ODEV_RECENT_ROWS + 1) * (size_t)g.pitch + ODEV_LANES;
}
/* The transform works on square, padded planes. */
static inline size_t odev_square_size(odev_geometry g) { return (size_t)g.ld * (size_t)g.ld; }

#endif
