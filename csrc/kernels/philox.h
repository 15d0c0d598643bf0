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

/* Words of the counters (c[0], words[1..3]), seven rounds of
 *     (c0, c1, c2, c3) <- (hi p1 ^ c1 ^ k0, lo p1, hi p0 ^ c3 ^ k1, lo p0),  p0 = M0 c0, p1 = M1 c2.
 * A processor multiplies 32 x 32 -> 64 bits in every other lane only, so even and odd lanes go through the
 * rounds apart, each word in the lower half of 64 bits; what is in the upper half never counts. */
INLINE void philox4x32_7(vu pixel, uint32_t frame_low, uint32_t frame_high, uint32_t stream, uint32_t k0,
                         uint32_t k1, vu words[4]) {
  vq c[2][4];
  for (int half = 0; half < 2; ++half) {
    c[half][0] = half ? (vq)pixel >> 32 : (vq)pixel;
    c[half][1] = vset_q(frame_low);
    c[half][2] = vset_q(frame_high);
    c[half][3] = vset_q(stream);
  }
  for (int round = 0; round < 7; ++round) {
    for (int half = 0; half < 2; ++half) {
      vq *x = c[half];
      const vq p0 = vmul_lower(x[0], 0xD2511F53u), p1 = vmul_lower(x[2], 0xCD9E8D57u);
      x[0] = (p1 >> 32) ^ x[1] ^ vset_q(k0);
      x[1] = p1;
      x[2] = (p0 >> 32) ^ x[3] ^ vset_q(k1);
      x[3] = p0;
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  for (int i = 0; i < 4; ++i) words[i] = vinterleave_lower(c[0][i], c[1][i]);
}

/* Two words to two independent standard normals.
 *     radius^2 = -2 ln((floor(w0 / 2^9) + 1/2) 2^-23), angle = floor(w1 / 2^8) 2^-24 turns.
 * The argument of the logarithm is exact in float and never 0, which bounds |n| at sqrt(2 ln 2^24) = 5.77.
 * The angle is w1's nearest quadrant and, as a signed fraction, what is left over it: exact as well. */
INLINE void box_muller(vu w0, vu w1, vf *n0, vf *n1) {
  const vf radius = vsqrt(vminus_two_log(vfrom_i((vi)(w0 >> 9)) + vset(0.5f)));
  vf s, c;
  vsincos_octant(vfrom_i((vi)((w1 >> 8) << 10)) * vset(0x1p-34f), &s, &c);
  const vu quadrant = w1 + 0x20000000u; /* in the two leading bits */
  const vmask swap = vbit(quadrant, 30);
  const vu sine = (vu)vselect(swap, c, s) ^ (quadrant & 0x80000000u);
  const vu cosine = (vu)vselect(swap, s, c) ^ ((quadrant + 0x40000000u) & 0x80000000u);
  *n0 = radius * (vf)cosine;
  *n1 = radius * (vf)sine;
}

#endif
