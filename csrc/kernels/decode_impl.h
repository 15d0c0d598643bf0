/* decode_impl.h - counts to complex spectra: phase steps, merging of exposures, calibrated maps. */
#ifndef ODEV_DECODE_IMPL_H
#define ODEV_DECODE_IMPL_H

#include "../host/codec.h"
#include "boundary_impl.h"
#include "fft_impl.h"

typedef struct {
  vc y;            /* signal times conjugate reference, leak removed, DN */
  vf sum;          /* of four counts */
  vmask saturated; /* in any step */
} combined;

/* Four steps: Y = [(I0 - I2) + i (I1 - I3)] / 4.  Three, I0 without reference and rho the reference alone:
 * Y = [(I1 - I0 - rho) + i (I2 - I0 - rho)] / 2; I0 enters twice, into the sum as well. */
INLINE combined combine_steps(const odev_codec *k, odev_geometry g, int is_float, const void *counts, int exposure, int r,
                              int c, int steps) {
  const size_t plane = (size_t)g.n * (size_t)g.n * (is_float ? 4 : 2);
  vf dn[4];
  vf brightest = vset(0.0f);
  for (int step = 0; step < steps; ++step) {
    const odev_plane p = {(char *)(uintptr_t)counts + (size_t)(steps * exposure + step) * plane,
                          is_float, g.n};
    dn[step] = plane_load(p, r, c);
    brightest = vmax(brightest, dn[step]);
  }
  vf re, im, sum;
  if (steps == 4) {
    re = (dn[0] - dn[2]) * vset(0.25f), im = (dn[1] - dn[3]) * vset(0.25f);
    sum = (dn[0] + dn[2]) + (dn[1] + dn[3]);
  } else {
    const vf alone = dn[0] + vload(k->reference_dn + r * g.ld + c);
    re = (dn[1] - alone) * vset(0.5f), im = (dn[2] - alone) * vset(0.5f);
    sum = (dn[0] + dn[0]) + (dn[1] + dn[2]);
  }
  /* Y = Z + e conj(Z)  ->  Z = (Y - e conj(Y)) / (1 - |e|^2). */
  const vf er = vset(k->leak_re), ei = vset(k->leak_im), norm = vset(k->leak_norm);
  const vf zr = re - vfma(er, re, ei * im), zi = im - vfnma(er, im, ei * re);
  return (combined){{zr * norm, zi * norm}, sum, vgreater_equal(brightest, vset(k->saturation_dn))};
}

/* One frame's exposures to F(x), weighted by inverse variance.  The variance comes from the counts:
 * shot noise of their sum and four times the read noise, over the squared gain.  A saturated bin counts
 * only in exposure 0, the dimmest.  Returns how many bins that one had saturated. */
INLINE uint32_t decode_frame_impl(const odev_codec *k, odev_geometry g, int is_float, const void *counts,
                                  const uint8_t *launch_step, int exposures, float scale, int conjugate, int accumulate,
                                  int steps, float *y) {
  uint32_t saturated = 0;
  const vf inverse_scale = vset(1.0f / scale), sign = vset(conjugate ? -1.0f : 1.0f);
  for (int r = 0; r < g.n; ++r)
    for (int c = 0; c < g.n; c += W) {
      const int at = r * g.ld + c;
      vc sum = {vset(0.0f), vset(0.0f)};
      vf weights = vset(0.0f);
      const vf inverse_re = vload(k->inverse_output_re + at), inverse_im = vload(k->inverse_output_im + at);
      for (int e = 0; e < exposures; ++e) {
        const combined f = combine_steps(k, g, is_float, counts, e, r, c, steps);
        const float *gain = k->launch_inverse[launch_step[e]];
        const vc z = vc_mul(f.y, vset(gain[0]), vset(gain[1]));
        const uint32_t full = e == 0 ? vmask_bits(f.saturated) : 0;
        if (full) { /* a hot pixel that the calibration masks is full at any exposure: it doesn't count */
          const vf size = vmax(vmax(inverse_re, -inverse_re), vmax(inverse_im, -inverse_im));
          saturated += (uint32_t)__builtin_popcount(full & vmask_bits(vgreater(size, vset(0.0f))));
        }
        if (exposures == 1) {
          sum = z;
          continue;
        }
        const vf light = vmax(f.sum - vset(4.0f * k->black_dn), vset(0.0f));
        const vf noise = vfma(light, vset(1.0f / k->gain_e_per_dn), vset(4.0f * k->read_variance_dn2));
        const vf variance = vmax(noise, vset(1e-6f)); /* a noiseless device has none */
        vf weight = vset(k->launch_power[launch_step[e]]) / variance;
        /* The dimmest keeps a weight too small to matter beside any other. */
        weight = vselect(f.saturated, e == 0 ? weight * vset(1e-12f) : vset(0.0f), weight);
        sum.re = vfma(z.re, weight, sum.re);
        sum.im = vfma(z.im, weight, sum.im);
        weights = weights + weight;
      }
      if (exposures > 1) {
        const vf norm = vset(1.0f) / weights;
        sum.re = sum.re * norm;
        sum.im = sum.im * norm;
      }
      vc out = vc_mul(sum, inverse_re, inverse_im);
      out.re = out.re * inverse_scale;
      out.im = out.im * (inverse_scale * sign);
      float *row = y + 2 * (size_t)r * (size_t)g.n;
      if (accumulate) {
        vf pr, pi;
        load_complex(row, c, g.n, &pr, &pi);
        out.re = out.re + pr;
        out.im = out.im + pi;
      }
      store_complex(row, c, g.n, out.re, out.im);
    }
  return saturated;
}

/* Complex gain of a pilot frame against its expected spectrum: sum Y conj(P) / sum |P|^2. */
INLINE void pilot_gain_impl(const odev_codec *k, const void *counts, int steps, double gain[2]) {
  const odev_geometry g = k->geometry;
  const float *inverse = k->launch_inverse[k->pilot_launch_step];
  double re = 0, im = 0, norm = 0;
  for (int r = 0; r < g.n; ++r) {
    vf a = vset(0.0f), b = vset(0.0f), d = vset(0.0f);
    for (int c = 0; c < g.n; c += W) {
      const int at = r * g.ld + c;
      const combined f = combine_steps(k, g, k->float_counts, counts, 0, r, c, steps);
      const vc z = vc_mul(f.y, vset(inverse[0]), vset(inverse[1]));
      /* A clipped bin tells nothing. */
      const vf pr = vselect(f.saturated, vset(0.0f), vload(k->pilot_re + at));
      const vf pi = vselect(f.saturated, vset(0.0f), vload(k->pilot_im + at));
      a = vfma(z.re, pr, vfma(z.im, pi, a));
      b = vfma(z.im, pr, vfnma(z.re, pi, b));
      d = vfma(pr, pr, vfma(pi, pi, d));
    }
    for (int i = 0; i < W; ++i) re += (double)a[i], im += (double)b[i], norm += (double)d[i];
  }
  gain[0] = norm > 0 ? re / norm : 1.0;
  gain[1] = norm > 0 ? im / norm : 0.0;
}

INLINE void turn_impl(float *y, size_t count, float re, float im) {
  size_t i = 0;
  for (; i + W <= count; i += W) {
    vf a, b;
    load_pairs(y + 2 * i, &a, &b);
    const vc z = vc_mul((vc){a, b}, vset(re), vset(im));
    store_pairs(y + 2 * i, z.re, z.im);
  }
  if (i == count) return;
  vf a, b;
  load_complex(y + 2 * i, 0, (int)(count - i), &a, &b);
  const vc z = vc_mul((vc){a, b}, vset(re), vset(im));
  store_complex(y + 2 * i, 0, (int)(count - i), z.re, z.im);
}

#endif
