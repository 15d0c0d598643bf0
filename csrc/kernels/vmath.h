/* vmath.h - the elementary functions the kernels need, to about one unit in the last place.
 *
 * Angles are in turns (1 = 2 pi), so that range reduction is an exact subtraction.  The polynomials
 * are least-squares fits on Chebyshev nodes, made for this file; the errors given are absolute.
 */
#ifndef ODEV_VMATH_H
#define ODEV_VMATH_H

#include "simd.h"

/* sin(2 pi t) and cos(2 pi t), error < 1.2e-7, for |t| < 2^20. */
INLINE void vsincos_turns(vf t, vf *sine, vf *cosine) {
  const vf k = vround(t * vset(4.0f));
  const vf f = vfnma(k, vset(0.25f), t); /* exact: |f| <= 1/8 */
  const vf z = f * f;
  vf s = vset(41.47289059f);
  s = vfma(s, z, vset(-76.69786814f));
  s = vfma(s, z, vset(81.60520473f));
  s = vfma(s, z, vset(-41.34170215f));
  s = vfma(s, z, vset(6.28318531f)) * f;
  vf c = vset(-26.10802712f);
  c = vfma(c, z, vset(60.24005738f));
  c = vfma(c, z, vset(-85.45678923f));
  c = vfma(c, z, vset(64.93939396f));
  c = vfma(c, z, vset(-19.7392088f));
  c = vfma(c, z, vset(1.0f));
  const vi q = vto_i(k);
  const vmask swap = vodd(q);
  const vf sr = vselect(swap, c, s), cr = vselect(swap, s, c);
  *sine = (vf)((vi)sr ^ ((q & 2) << 30));
  *cosine = (vf)((vi)cr ^ (((q + 1) & 2) << 30));
}

/* Natural logarithm of normal, positive x; relative error < 2e-7. */
INLINE vf vlog(vf x) {
  const vi bits = (vi)x;
  /* Split x = m 2^e with m in [sqrt(1/2), sqrt(2)). */
  const vi e = (bits - 0x3f3504f3) >> 23;
  const vf f = (vf)(bits - (e << 23)) - vset(1.0f);
  vf p = vset(0.07149754f);
  p = vfma(p, f, vset(-0.11571201f));
  p = vfma(p, f, vset(0.11661511f));
  p = vfma(p, f, vset(-0.12411051f));
  p = vfma(p, f, vset(0.14249937f));
  p = vfma(p, f, vset(-0.1666848f));
  p = vfma(p, f, vset(0.20000707f));
  p = vfma(p, f, vset(-0.24999989f));
  p = vfma(p, f, vset(0.33333331f));
  const vf z = f * f;
  const vf tail = vfma(z * f, p, z * vset(-0.5f));
  const vf ef = vfrom_i(e);
  /* ln 2 in two parts: the first is exact in few bits, so that e * ln2_hi is exact. */
  return vfma(ef, vset(0.693359375f), vfma(ef, vset(-2.12194440e-4f), tail) + f);
}

/* atan2(y, x) in turns, in (-1/2, 1/2], error < 4e-8; atan2(0, 0) = 0. */
INLINE vf vatan2_turns(vf y, vf x) {
  const vf ax = vabs(x), ay = vabs(y);
  const vmask steep = vgreater(ay, ax);
  const vf num = vselect(steep, ax, ay);
  const vf den = vmax(vselect(steep, ay, ax), vset(1e-37f));
  const vf t = num / den, z = t * t;
  vf p = vset(-0.00027752f);
  p = vfma(p, z, vset(0.00169989f));
  p = vfma(p, z, vset(-0.00488884f));
  p = vfma(p, z, vset(0.00914561f));
  p = vfma(p, z, vset(-0.01332455f));
  p = vfma(p, z, vset(0.01741187f));
  p = vfma(p, z, vset(-0.022698f));
  p = vfma(p, z, vset(0.03182817f));
  p = vfma(p, z, vset(-0.05305157f));
  p = vfma(p, z, vset(0.15915494f)) * t;
  p = vselect(steep, vset(0.25f) - p, p);
  p = vselect(vgreater(vset(0.0f), x), vset(0.5f) - p, p);
  return vcopysign(p, y);
}

#endif
