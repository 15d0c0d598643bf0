/* crosstalk_impl.h - the nine-point thermal stencil on halo planes.
 *
 * Reciprocity makes one coefficient serve both directions of a link, so four planes (to the east,
 * south, south-east and south-west neighbour) describe all eight neighbours.
 */
#ifndef ODEV_CROSSTALK_IMPL_H
#define ODEV_CROSSTALK_IMPL_H

#include "crosstalk_links.h"
#include "geometry.h"
#include "simd.h"

/* The rows of powers that reach a row: itself, the two above and the two below. */
typedef struct {
  const float *here, *up, *down, *up2, *down2;
} power_rows;

/* Rows of a halo plane; the two outer ones are not there. */
INLINE power_rows halo_rows(const float *plane, int r, int pitch) {
  const float *here = plane + (ptrdiff_t)r * pitch;
  return (power_rows){here, here - pitch, here + pitch, NULL, NULL};
}

/* One row's coefficients and powers, gone through from left to right.  What comes from the left and from
 * the right is added up first and then shifted by one pixel, in registers: loads that straddle cache lines
 * would take most of the time.  Left of the first pixel all is zero. */
typedef struct {
  power_rows rows;
  const float *e, *s, *se, *sw, *s_up, *se_up, *sw_up;
  vf near, knight, corner; /* of the second ring: at distances 2, root 5, root 8 */
  vf here_at, up_at, down_before, down_at, far_at;
  vf west_before, east_at; /* from the pixels to the left, to the right, of each pixel */
  vf x_before, x_at;
} stencil_row;

/* What comes from the pixel to the right of each of the W pixels before column c. */
INLINE vf from_east(const stencil_row *row, int c, vf up, vf far, int has_ring) {
  const vf east = vload(row->sw_up + c) * up;
  return has_ring ? vfma(row->knight, far, east) : east;
}

/* Of the second ring, with A, B, C the row itself and the sums of the rows one and two away:
 *     X = k2 A + k5 B + k8 C,   heat = X(c - 2) + X(c + 2) + k5 (C(c - 1) + C(c + 1)) + k2 C(c). */
INLINE vf ring_columns(const stencil_row *row, vf here, vf up, vf down, vf far) {
  return vfma(row->near, here, vfma(row->knight, up + down, row->corner * far));
}

INLINE vf far_rows(const stencil_row *row, int c) { return vload(row->rows.up2 + c) + vload(row->rows.down2 + c); }

/* `ring` is null without second ring. */
INLINE stencil_row stencil_begin(const float *const link[ODEV_LINKS], const float *ring, power_rows rows, int r,
                                 int pitch) {
  const ptrdiff_t at = (ptrdiff_t)r * pitch;
  const vf zero = vset(0.0f);
  stencil_row row = {.rows = rows,
                     .e = link[ODEV_LINK_E] + at,
                     .s = link[ODEV_LINK_S] + at,
                     .se = link[ODEV_LINK_SE] + at,
                     .sw = link[ODEV_LINK_SW] + at,
                     .s_up = link[ODEV_LINK_S] + at - pitch,
                     .se_up = link[ODEV_LINK_SE] + at - pitch,
                     .sw_up = link[ODEV_LINK_SW] + at - pitch,
                     .here_at = vload(rows.here),
                     .up_at = vload(rows.up),
                     .down_before = zero,
                     .down_at = vload(rows.down),
                     .west_before = zero,
                     .x_before = zero};
  if (ring) {
    row.near = vset(ring[0]);
    row.knight = vset(ring[1]);
    row.corner = vset(ring[2]);
    row.far_at = far_rows(&row, 0);
    row.x_at = ring_columns(&row, row.here_at, row.up_at, row.down_at, row.far_at);
  }
  row.east_at = from_east(&row, 0, row.up_at, row.far_at, ring != NULL);
  return row;
}

/* sum over the neighbours of c_ij p_j, at the W pixels from column c: the next of the row. */
INLINE vf neighbour_heat(stencil_row *row, int c, int has_ring) {
  const vf here_after = vload(row->rows.here + c + W), up_after = vload(row->rows.up + c + W);
  const vf down_after = vload(row->rows.down + c + W), e = vload(row->e + c);
  const vf far_after = has_ring ? far_rows(row, c + W) : row->far_at;
  vf west = vfma(vload(row->se_up + c), row->up_at, e * row->here_at);
  if (has_ring) west = vfma(row->knight, row->far_at, west);
  const vf east_after = from_east(row, c + W, up_after, far_after, has_ring);

  vf q = e * vfrom_after(row->here_at, here_after);
  q = vfma(vload(row->s + c), row->down_at, q);
  q = vfma(vload(row->se + c), vfrom_after(row->down_at, down_after), q);
  q = vfma(vload(row->sw + c), vfrom_before(row->down_before, row->down_at), q);
  vf r = vfma(vload(row->s_up + c), row->up_at, vfrom_before(row->west_before, west));
  r = r + vfrom_after(row->east_at, east_after);
  if (has_ring) {
    const vf x_after = ring_columns(row, here_after, up_after, down_after, far_after);
    const vf across = vfrom_two_before(row->x_before, row->x_at) + vfrom_two_after(row->x_at, x_after);
    r = r + vfma(row->near, row->far_at, across);
    row->x_before = row->x_at;
    row->x_at = x_after;
    row->far_at = far_after;
  }
  row->here_at = here_after;
  row->up_at = up_after;
  row->down_before = row->down_at;
  row->down_at = down_after;
  row->west_before = west;
  row->east_at = east_after;
  return q + r;
}

#endif
