/* vmath.h - the elementary functions the kernels need, to about one unit in the last place.
 *
 * Angles are in turns (1 = 2 pi), so that range reduction is an exact subtraction.  The polynomials
 * are least-squares fits on Chebyshev nodes, made for this file; the errors given are absolute.
 */
#ifndef ODEV_VMATH_H
#define ODEV_VMATH_H

#include "simd.h"

/* sin(2 pi f) and cos(2 pi f), error < 1e-7, for |f| <= 1/8. */
INLINE void vsincos_octant(vf f, vf *sine, vf *cosine) {
  const vf z = f * f;
  vf s = vset(-75.2400642f);
  s = vfma(s, z, vset(81.58812464f));
  s = vfma(s, z, vset(-41.34162804f));
  *sine = vfma(s, z, vset(6.28318522f)) * f;
  vf c = vset(59.24596381f);
  c = vfma(c, z, vset(-85.44374172f));
  c = vfma(c, z, vset(64.93932647f));
  c = vfma(c, z, vset(-19.73920869f));
  *cosine = vfma(c, z, vset(1.0f));
}

/* sin(2 pi t) and cos(2 pi t), error < 1.2e-7, for |t| < 2^20. */
INLINE void vsincos_turns(vf t, vf *sine, vf *cosine) {
  const vi q = vto_i_nearest(t * vset(4.0f));
  vf s, c;
  vsincos_octant(vfnma(vfrom_i(q), vset(0.25f), t), &s, &c); /* exact: within 1/8 */
  const vmask swap = vodd(q);
  const vf sr = vselect(swap, c, s), cr = vselect(swap, s, c);
  *sine = (vf)((vi)sr ^ ((q & 2) << 30));
  *cosine = (vf)((vi)cr ^ (((q + 1) & 2) << 30));
}

/* -2 ln(v 2^-23) for v in [1/2, 2^23); relative error < 1e-7. */
INLINE vf vminus_two_log(vf v) {
  /* Split v 2^-23 = m 2^e with m in [sqrt(1/2), sqrt(2)), whose bits begin at 0x3f3504f3. */
  const vi t = (vi)v - (0x3f3504f3 + (23 << 23));
  const vi e = t >> 23;
  const vf f = (vf)((t & 0x7fffff) + 0x3f3504f3) - vset(1.0f);
  /* ln(1 + f) = f - f^2/2 + f^3 p(f); the coefficients are those of -2 p. */
  vf p = vset(-0.17400862f);
  p = vfma(p, f, vset(0.28534976f));
  p = vfma(p, f, vset(-0.29829538f));
  p = vfma(p, f, vset(0.33155168f));
  p = vfma(p, f, vset(-0.39926128f));
  p = vfma(p, f, vset(0.50002674f));
  p = vfma(p, f, vset(-0.66667822f));
  p = vfma(p, f, vset(1.0f));
  const vf tail = vfma(p, f * f, vset(-2.0f) * f);
  return vfma(vfrom_i(e), vset(-1.38629436f), tail);
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

/* acos(c) in turns, in [0, 1/2], and its sine, for |c| <= 1: with u = 1 - |c|, both are sqrt(u) times a
 * polynomial in u; errors < 4e-8 and < 1.6e-7. */
INLINE vf vacos_turns(vf c, vf *sine) {
  const vf u = vset(1.0f) - vabs(c), root = vsqrt(u);
  vf p = vset(0.000415522985f);
  p = vfma(p, u, vset(-0.000583107766f));
  p = vfma(p, u, vset(0.00110095246f));
  p = vfma(p, u, vset(0.000946676741f));
  p = vfma(p, u, vset(0.00429113091f));
  p = vfma(p, u, vset(0.0187495297f));
  p = vfma(p, u, vset(0.225079281f)) * root;
  vf q = vset(-0.00160151427f);
  q = vfma(q, u, vset(0.00310461044f));
  q = vfma(q, u, vset(-0.00518846013f));
  q = vfma(q, u, vset(-0.001075113f));
  q = vfma(q, u, vset(-0.011829138f));
  q = vfma(q, u, vset(-0.0440606064f));
  q = vfma(q, u, vset(-0.353563552f));
  *sine = vfma(q, u, vset(1.41421379f)) * root;
  return vselect(vgreater(vset(0.0f), c), vset(0.5f) - p, p);
}

#endif
