/* fft_impl.h - unnormalised forward 2-D DFT of one frame, W neighbouring columns per vector.
 *
 * Each of the two sweeps transforms along the rows' index and writes its result transposed, so two
 * sweeps give the natural order.  Within a sweep a Stockham autosort recursion (decimation in
 * frequency) runs over one block of W columns that stays in the first-level cache:
 *     y[q + s (R p + j)] = w^{p j} sum_k x[q + s (p + k n/R)] e^{-2 pi i j k / R}.
 */
#ifndef ODEV_FFT_IMPL_H
#define ODEV_FFT_IMPL_H

#include "fft.h"
#include "simd.h"

typedef struct {
  vf re, im;
} vc;

INLINE vc vc_add(vc a, vc b) { return (vc){a.re + b.re, a.im + b.im}; }
INLINE vc vc_sub(vc a, vc b) { return (vc){a.re - b.re, a.im - b.im}; }
INLINE vc vc_mul_minus_i(vc a) { return (vc){a.im, -a.re}; }
INLINE vc vc_mul(vc a, vf wr, vf wi) {
  return (vc){vfnma(a.im, wi, a.re * wr), vfma(a.im, wr, a.re * wi)};
}

INLINE void dft4(vc x[4]) {
  const vc a = vc_add(x[0], x[2]), b = vc_sub(x[0], x[2]);
  const vc c = vc_add(x[1], x[3]), d = vc_mul_minus_i(vc_sub(x[1], x[3]));
  x[0] = vc_add(a, c);
  x[1] = vc_add(b, d);
  x[2] = vc_sub(a, c);
  x[3] = vc_sub(b, d);
}

INLINE void dft8(vc x[8]) {
  vc e[4] = {x[0], x[2], x[4], x[6]}, o[4] = {x[1], x[3], x[5], x[7]};
  dft4(e);
  dft4(o);
  const vf h = vset(0.70710678f);
  o[1] = (vc){(o[1].re + o[1].im) * h, (o[1].im - o[1].re) * h};
  o[2] = vc_mul_minus_i(o[2]);
  o[3] = (vc){(o[3].im - o[3].re) * h, -(o[3].re + o[3].im) * h};
  for (int j = 0; j < 4; ++j) {
    x[j] = vc_add(e[j], o[j]);
    x[j + 4] = vc_sub(e[j], o[j]);
  }
}

/* One radix-R butterfly; in and out are strided by `in_step` and `out_step` floats. */
#define BUTTERFLY(R)                                                                   \
  INLINE void butterfly##R(const float *re, const float *im, size_t in_step, float *ore, \
                           float *oim, size_t out_step, const float *w) {              \
    vc x[R];                                                                           \
    for (int k = 0; k < R; ++k)                                                        \
      x[k] = (vc){vload(re + (size_t)k * in_step), vload(im + (size_t)k * in_step)};   \
    DFT##R(x);                                                                         \
    for (int j = 0; j < R; ++j) {                                                      \
      if (w && j) x[j] = vc_mul(x[j], vset(w[2 * j - 2]), vset(w[2 * j - 1]));         \
      vstore(ore + (size_t)j * out_step, x[j].re);                                     \
      vstore(oim + (size_t)j * out_step, x[j].im);                                     \
    }                                                                                  \
  }
#define DFT8(x) dft8(x)
#define DFT4(x) dft4(x)
#define DFT2(x)                                                   \
  do {                                                            \
    const vc s_ = vc_add(x[0], x[1]), d_ = vc_sub(x[0], x[1]);    \
    x[0] = s_;                                                    \
    x[1] = d_;                                                    \
  } while (0)
BUTTERFLY(8)
BUTTERFLY(4)
BUTTERFLY(2)

#define PASS_LOOP(R)                                                                          \
  for (size_t p = 0; p < groups; ++p) {                                                       \
    const float *w = groups > 1 ? twiddle + 2 * p * (R - 1) : NULL;                           \
    for (size_t q = 0; q < stride; ++q)                                                       \
      butterfly##R(re + (q + stride * p) * row, im + (q + stride * p) * row,                  \
                   stride * groups * row, ore + (q + stride * R * p) * W,                     \
                   oim + (q + stride * R * p) * W, stride * W, w);                            \
  }

INLINE void fft_pass(int radix, size_t groups, size_t stride, const float *twiddle, const float *re,
                     const float *im, size_t row, float *ore, float *oim) {
  if (radix == 8) {
    PASS_LOOP(8)
  } else if (radix == 4) {
    PASS_LOOP(4)
  } else {
    PASS_LOOP(2)
  }
}

/* The dense form, for sizes that are no power of two. */
INLINE void dense_pass(const odev_fft_plan *plan, const float *re, const float *im, size_t row,
                       float *ore, float *oim) {
  for (int k = 0; k < plan->n; ++k) {
    const float *w = plan->twiddle + 2 * (size_t)k * (size_t)plan->n;
    vc sum = {vset(0.0f), vset(0.0f)};
    for (int j = 0; j < plan->n; ++j, w += 2) {
      const vf xr = vload(re + (size_t)j * row), xi = vload(im + (size_t)j * row);
      const vf wr = vset(w[0]), wi = vset(w[1]);
      sum.re = vfnma(xi, wi, vfma(xr, wr, sum.re));
      sum.im = vfma(xi, wr, vfma(xr, wi, sum.im));
    }
    vstore(ore + (size_t)k * W, sum.re);
    vstore(oim + (size_t)k * W, sum.im);
  }
}

/* Transform down the columns of (re, im) and write the result transposed. */
INLINE void fft_sweep(const odev_fft_plan *plan, size_t ld, const float *re, const float *im,
                      float *out_re, float *out_im, float *block) {
  const size_t n = (size_t)plan->n, half = ld * W;
  float *buffer[2][2] = {{block, block + half}, {block + 2 * half, block + 3 * half}};
  for (int b = 0; b < 2; ++b)
    for (size_t k = n; k < ld; ++k) {
      vstore(buffer[b][0] + k * W, vset(0.0f));
      vstore(buffer[b][1] + k * W, vset(0.0f));
    }
  for (size_t c = 0; c < n; c += W) {
    const float *xr = re + c, *xi = im + c;
    size_t row = ld, length = n, stride = 1;
    int at = 0;
    if (plan->passes == 0) {
      dense_pass(plan, xr, xi, row, buffer[0][0], buffer[0][1]);
      xr = buffer[0][0], xi = buffer[0][1];
    }
    for (int pass = 0; pass < plan->passes; ++pass, at ^= 1) {
      const size_t r = (size_t)plan->radix[pass];
      fft_pass((int)r, length / r, stride, plan->twiddle + 2 * plan->twiddle_at[pass], xr, xi, row,
               buffer[at][0], buffer[at][1]);
      xr = buffer[at][0], xi = buffer[at][1];
      row = W, length /= r, stride *= r;
    }
    for (size_t k = 0; k < ld; k += W) {
      vf tr[W], ti[W];
      for (size_t i = 0; i < W; ++i) tr[i] = vload(xr + (k + i) * W), ti[i] = vload(xi + (k + i) * W);
      vtranspose(tr);
      vtranspose(ti);
      for (size_t i = 0; i < W; ++i) {
        vstore(out_re + (c + i) * ld + k, tr[i]);
        vstore(out_im + (c + i) * ld + k, ti[i]);
      }
    }
  }
}

/* In place on square, padded planes; scratch as odev_fft_scratch_size says. */
INLINE void fft2_impl(const odev_fft_plan *plan, float *re, float *im, float *scratch) {
  const size_t ld = (size_t)odev_geometry_of(plan->n).ld, square = ld * ld;
  float *tr = scratch, *ti = scratch + square, *block = scratch + 2 * square;
  fft_sweep(plan, ld, re, im, tr, ti, block);
  fft_sweep(plan, ld, tr, ti, re, im, block);
}

#endif
