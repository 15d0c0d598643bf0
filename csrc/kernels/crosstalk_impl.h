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

/* sum over the eight neighbours of c_ij p_j, at the W pixels from `at` (an index from the origin). */
INLINE vf neighbour_heat(const float *const link[ODEV_LINKS], const float *p, ptrdiff_t at,
                         ptrdiff_t pitch) {
  const float *e = link[ODEV_LINK_E] + at, *s = link[ODEV_LINK_S] + at;
  const float *se = link[ODEV_LINK_SE] + at, *sw = link[ODEV_LINK_SW] + at;
  const float *x = p + at;
  vf q = vload(e) * vload(x + 1);
  vf r = vload(e - 1) * vload(x - 1);
  q = vfma(vload(s), vload(x + pitch), q);
  r = vfma(vload(s - pitch), vload(x - pitch), r);
  q = vfma(vload(se), vload(x + pitch + 1), q);
  r = vfma(vload(se - pitch - 1), vload(x - pitch - 1), r);
  q = vfma(vload(sw), vload(x + pitch - 1), q);
  r = vfma(vload(sw - pitch + 1), vload(x - pitch + 1), r);
  return q + r;
}

#endif
