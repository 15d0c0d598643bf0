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

/* One row's coefficients and powers, gone through from left to right.  Neighbours to the left and right
 * come from registers: loads that straddle cache lines would take most of the time. */
typedef struct {
  const float *e, *s, *se, *sw, *s_up, *se_up, *sw_up;
  const float *here, *up, *down;
  vf here_before, here_at, up_before, up_at, down_before, down_at;
  vf e_before, se_up_before, sw_up_at;
} stencil_row;

INLINE stencil_row stencil_begin(const float *const link[ODEV_LINKS], power_rows rows, int r, int pitch) {
  const ptrdiff_t at = (ptrdiff_t)r * pitch;
  stencil_row row;
  row.e = link[ODEV_LINK_E] + at;
  row.s = link[ODEV_LINK_S] + at;
  row.se = link[ODEV_LINK_SE] + at;
  row.sw = link[ODEV_LINK_SW] + at;
  row.s_up = row.s - pitch;
  row.se_up = row.se - pitch;
  row.sw_up = row.sw - pitch;
  row.here = rows.here;
  row.up = rows.up;
  row.down = rows.down;
  row.here_before = vload(row.here - W);
  row.here_at = vload(row.here);
  row.up_before = vload(row.up - W);
  row.up_at = vload(row.up);
  row.down_before = vload(row.down - W);
  row.down_at = vload(row.down);
  row.e_before = vload(row.e - W);
  row.se_up_before = vload(row.se_up - W);
  row.sw_up_at = vload(row.sw_up);
  return row;
}

/* Rows of a halo plane; the two outer ones are not there. */
INLINE power_rows halo_rows(const float *plane, int r, int pitch) {
  const float *here = plane + (ptrdiff_t)r * pitch;
  return (power_rows){here, here - pitch, here + pitch, NULL, NULL};
}

/* sum over the eight neighbours of c_ij p_j, at the W pixels from column c: the next of the row. */
INLINE vf neighbour_heat(stencil_row *row, int c) {
  const vf here_after = vload(row->here + c + W), up_after = vload(row->up + c + W);
  const vf down_after = vload(row->down + c + W), sw_up_after = vload(row->sw_up + c + W);
  const vf e = vload(row->e + c), se_up = vload(row->se_up + c);
  vf q = e * vfrom_after(row->here_at, here_after);
  vf r = vfrom_before(row->e_before, e) * vfrom_before(row->here_before, row->here_at);
  q = vfma(vload(row->s + c), row->down_at, q);
  r = vfma(vload(row->s_up + c), row->up_at, r);
  q = vfma(vload(row->se + c), vfrom_after(row->down_at, down_after), q);
  r = vfma(vfrom_before(row->se_up_before, se_up), vfrom_before(row->up_before, row->up_at), r);
  q = vfma(vload(row->sw + c), vfrom_before(row->down_before, row->down_at), q);
  r = vfma(vfrom_after(row->sw_up_at, sw_up_after), vfrom_after(row->up_at, up_after), r);
  row->here_before = row->here_at;
  row->here_at = here_after;
  row->up_before = row->up_at;
  row->up_at = up_after;
  row->down_before = row->down_at;
  row->down_at = down_after;
  row->e_before = e;
  row->se_up_before = se_up;
  row->sw_up_at = sw_up_after;
  return q + r;
}

/* The second ring: three coefficients for all heaters, at distances 2, root 5 and root 8.  With A, B, C the
 * row itself and the sums of the rows one and two away,
 *     X = k2 A + k5 B + k8 C,  Y = k5 C:   X(c - 2) + X(c + 2) + Y(c - 1) + Y(c + 1) + k2 C(c). */
typedef struct {
  power_rows rows;
  vf near, knight, corner;
  vf x_before, x_at, y_before, y_at, c_at;
} ring_row;

INLINE void ring_columns(const ring_row *ring, int c, vf *x, vf *y, vf *far) {
  const power_rows *p = &ring->rows;
  const vf a = vload(p->here + c), b = vload(p->up + c) + vload(p->down + c);
  *far = vload(p->up2 + c) + vload(p->down2 + c);
  *x = vfma(ring->near, a, vfma(ring->knight, b, ring->corner * *far));
  *y = ring->knight * *far;
}

INLINE ring_row ring_begin(const float coefficients[3], power_rows rows) {
  ring_row ring = {.rows = rows, .near = vset(coefficients[0]), .knight = vset(coefficients[1]),
                   .corner = vset(coefficients[2])};
  vf unused;
  ring_columns(&ring, -W, &ring.x_before, &ring.y_before, &unused);
  ring_columns(&ring, 0, &ring.x_at, &ring.y_at, &ring.c_at);
  return ring;
}

/* Heat of the second ring at the W pixels from column c: the next of the row. */
INLINE vf ring_heat(ring_row *ring, int c) {
  vf x, y, far;
  ring_columns(ring, c + W, &x, &y, &far);
  const vf two = vfrom_two_before(ring->x_before, ring->x_at) + vfrom_two_after(ring->x_at, x);
  const vf one = vfrom_before(ring->y_before, ring->y_at) + vfrom_after(ring->y_at, y);
  const vf heat = vfma(ring->near, ring->c_at, two + one);
  ring->x_before = ring->x_at;
  ring->x_at = x;
  ring->y_before = ring->y_at;
  ring->y_at = y;
  ring->c_at = far;
  return heat;
}

#endif
