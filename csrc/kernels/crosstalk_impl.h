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

/* Where one row's coefficients and powers lie: worked out once a row. */
typedef struct {
  const float *e, *s, *se, *sw, *s_up, *se_up, *sw_up;
  const float *here, *up, *down;
} stencil_row;

INLINE stencil_row stencil_row_of(const float *const link[ODEV_LINKS], const float *power, int r, int pitch) {
  const ptrdiff_t at = (ptrdiff_t)r * pitch;
  return (stencil_row){link[ODEV_LINK_E] + at,
                       link[ODEV_LINK_S] + at,
                       link[ODEV_LINK_SE] + at,
                       link[ODEV_LINK_SW] + at,
                       link[ODEV_LINK_S] + at - pitch,
                       link[ODEV_LINK_SE] + at - pitch - 1,
                       link[ODEV_LINK_SW] + at - pitch + 1,
                       power + at,
                       power + at - pitch,
                       power + at + pitch};
}

/* sum over the eight neighbours of c_ij p_j, at the W pixels from column c. */
INLINE vf neighbour_heat(const stencil_row *row, int c) {
  vf q = vload(row->e + c) * vload(row->here + c + 1);
  vf r = vload(row->e + c - 1) * vload(row->here + c - 1);
  q = vfma(vload(row->s + c), vload(row->down + c), q);
  r = vfma(vload(row->s_up + c), vload(row->up + c), r);
  q = vfma(vload(row->se + c), vload(row->down + c + 1), q);
  r = vfma(vload(row->se_up + c), vload(row->up + c - 1), r);
  q = vfma(vload(row->sw + c), vload(row->down + c - 1), q);
  r = vfma(vload(row->sw_up + c), vload(row->up + c + 1), r);
  return q + r;
}

#endif
