/* philox.h - counter-based random numbers: Philox4x32-7 and Box-Muller normals.
 *
 * J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11 (2011): multipliers,
 * Weyl constants and the seven-round variant are from there.  A counter names its number, so the
 * same (seed, pixel, frame, stream) gives the same noise whoever computes it, in any order.
 */
#ifndef ODEV_PHILOX_H
#define ODEV_PHILOX_H

#include "streams.h"
#include "vmath.h"

INLINE void philox4x32_7(vu c[4], uint32_t k0, uint32_t k1) {
  for (int round = 0; round < 7; ++round) {
    vu h0, l0, h1, l1;
    vmulhilo(c[0], 0xD2511F53u, &h0, &l0);
    vmulhilo(c[2], 0xCD9E8D57u, &h1, &l1);
    c[0] = h1 ^ c[1] ^ vset_u(k0);
    c[1] = l1;
    c[2] = h0 ^ c[3] ^ vset_u(k1);
    c[3] = l0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}

/* Two words to two independent standard normals.  u = (w >> 9) + 1/2 in units of 2^-23 is exact in
 * float and never 0, which bounds |n| at sqrt(2 ln 2^24) = 5.77. */
INLINE void box_muller(vu w0, vu w1, vf *n0, vf *n1) {
  const vf u = (vfrom_i((vi)(w0 >> 9)) + vset(0.5f)) * vset(0x1p-23f);
  const vf angle = vfrom_i((vi)(w1 >> 8)) * vset(0x1p-24f);
  const vf radius = vsqrt(vset(-2.0f) * vlog(u));
  vf s, c;
  vsincos_turns(angle, &s, &c);
  *n0 = radius * c;
  *n1 = radius * s;
}

#endif
