/* slow_lens_impl.h - the lens that rotates and magnifies; slow_lens.h has the equation. */
#ifndef ODEV_SLOW_LENS_IMPL_H
#define ODEV_SLOW_LENS_IMPL_H

#include "fft_impl.h"
#include "slow_lens.h"

/* sum += coefficient (-i)^k eta^k x, eta along the columns. */
INLINE void add_term(const odev_slow_lens *lens, int k, const float *re, const float *im, float *sum_re,
                     float *sum_im) {
  const odev_geometry g = odev_geometry_of(lens->n);
  for (int c = 0; c < g.ld; c += W) {
    vf factor = vset(lens->coefficient[k]);
    const vf eta = vload(lens->xi + c);
    for (int i = 0; i < k; ++i) factor = factor * eta;
    for (int at = c; at < g.n * g.ld; at += g.ld) {
      vc x = {vload(re + at), vload(im + at)};
      for (int turn = 0; turn < (k & 3); ++turn) x = vc_mul_minus_i(x);
      vstore(sum_re + at, vfma(factor, x.re, vload(sum_re + at)));
      vstore(sum_im + at, vfma(factor, x.im, vload(sum_im + at)));
    }
  }
}

/* In place on square, padded planes; scratch as odev_slow_lens_scratch_size says. */
INLINE void slow_lens_impl(const odev_slow_lens *lens, float *re, float *im, float *scratch) {
  const odev_geometry g = odev_geometry_of(lens->n);
  const size_t square = odev_square_size(g), ld = (size_t)g.ld;
  float *zr = scratch, *zi = zr + square, *tr = zi + square, *ti = tr + square;
  float *out_re = ti + square, *out_im = out_re + square, *sr = out_im + square, *si = sr + square, *block = si + square;
  memcpy(zr, re, square * sizeof *zr);
  memcpy(zi, im, square * sizeof *zi);
  memset(sr, 0, 2 * square * sizeof *sr);
  for (int k = 0; k < lens->terms; ++k) {
    fft_sweep(&lens->first, ld, zr, zi, tr, ti, block); /* transposed: [x2][y1] */
    for (int at = 0; at < g.n * g.ld; at += W) {
      const vc x = vc_mul((vc){vload(tr + at), vload(ti + at)}, vload(lens->shear_re + at),
                          vload(lens->shear_im + at));
      vstore(tr + at, x.re);
      vstore(ti + at, x.im);
    }
    fft_sweep(&lens->second, ld, tr, ti, out_re, out_im, block); /* [y1][y2] */
    add_term(lens, k, out_re, out_im, sr, si);
    for (int r = 0; k + 1 < lens->terms && r < g.n; ++r)
      for (int at = r * g.ld; at < (r + 1) * g.ld; at += W) {
        vstore(zr + at, vload(zr + at) * vset(lens->xi[r]));
        vstore(zi + at, vload(zi + at) * vset(lens->xi[r]));
      }
  }
  memcpy(re, sr, square * sizeof *re);
  memcpy(im, si, square * sizeof *im);
}

#endif
