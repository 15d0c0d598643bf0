/* spectra_impl.h - half planes of spectra: told apart, multiplied, joined; kernels' spectra. */
#ifndef ODEV_SPECTRA_IMPL_H
#define ODEV_SPECTRA_IMPL_H

#include "boundary_impl.h"
#include "convolution_kernels.h"
#include "optical_convolution.h"
#include "predict_impl.h"

enum { PER_BLOCK = ODEV_BIN_BLOCK / W };

INLINE vf vreverse(vf x) {
#define LANE_REVERSED(l) (W - 1 - (l))
  return VPICK(x, x, LANE_REVERSED);
}

/* Z(u, v) and Z(-u, -v) for the W columns from v of row u. */
INLINE void load_mirrored(const float *frame, int n, int u, int v, vf *re, vf *im) {
  const float *row = frame + 2 * (size_t)((n - u) % n) * (size_t)n;
  if (v > 0) {
    load_pairs(row + 2 * (n - v - W + 1), re, im);
    *re = vreverse(*re);
    *im = vreverse(*im);
    return;
  }
  load_pairs(row + 2 * (n - W), re, im);
  *re = vfrom_before(vset(row[0]), vreverse(*re));
  *im = vfrom_before(vset(row[1]), vreverse(*im));
}

INLINE void store_separated(float *a, int pictures, vf zr, vf zi, vf mr, vf mi, vf sa, vf sb) {
  vstore(a, (zr + mr) * sa);
  vstore(a + ODEV_BIN_BLOCK, (zi - mi) * sa);
  if (pictures == 2) {
    vstore(a + ODEV_BLOCK_FLOATS, (zi + mi) * sb);
    vstore(a + ODEV_BLOCK_FLOATS + ODEV_BIN_BLOCK, (mr - zr) * sb);
  }
}

/* A = (Z(u) + conj Z(-u)) / 2 and B = (Z(u) - conj Z(-u)) / 2i, each times its scale. */
INLINE void separate_impl(odev_bins bins, const float *frame, int pictures, const float scale[2], size_t stride,
                          float *a) {
  const int n = bins.n;
  const vf sa = vset(0.5f * scale[0]), sb = vset(0.5f * scale[1]);
  int block = 0;
  for (int u = 0; u < n; ++u)
    for (int run = 0; run < bins.runs; ++run, ++block)
      for (int j = 0; j < ODEV_BIN_BLOCK; j += W) {
        const int v = run * ODEV_BIN_BLOCK + j;
        vf zr, zi, mr, mi;
        load_pairs(frame + 2 * ((size_t)u * (size_t)n + (size_t)v), &zr, &zi);
        load_mirrored(frame, n, u, v, &mr, &mi);
        store_separated(a + (size_t)block * stride + j, pictures, zr, zi, mr, mi, sa, sb);
      }
  for (; block < bins.count; ++block) {
    float z[4][ODEV_BIN_BLOCK] = {{0}};
    for (int lane = 0; lane < ODEV_BIN_BLOCK; ++lane) {
      int u, v;
      if (!odev_rest_bin(bins, block, lane, &u, &v)) continue;
      const float *at = frame + 2 * (u * n + v), *mirror = frame + 2 * ((n - u) % n * n + (n - v) % n);
      z[0][lane] = at[0], z[1][lane] = at[1], z[2][lane] = mirror[0], z[3][lane] = mirror[1];
    }
    for (int j = 0; j < ODEV_BIN_BLOCK; j += W)
      store_separated(a + (size_t)block * stride + j, pictures, vload(z[0] + j), vload(z[1] + j), vload(z[2] + j),
                      vload(z[3] + j), sa, sb);
  }
}

/* Of the whole plane: all bins twice, less those of columns 0 and N/2 that have no mirror image. */
INLINE double half_plane_energy_impl(odev_bins bins, const float *a, size_t stride) {
  enum { ROWS = 8 }; /* whose sums are kept in float */
  vf sum[SUB];
  for (int j = 0; j < SUB; ++j) sum[j] = vset(0.0f);
  double once = 0, total = 0;
  for (int u = 0, block = 0; u < bins.n && bins.runs; ++u) {
    const float *first = a + (size_t)block * stride;
    once += (double)first[0] * (double)first[0] + (double)first[ODEV_BIN_BLOCK] * (double)first[ODEV_BIN_BLOCK];
    for (int run = 0; run < bins.runs; ++run, ++block)
      for (int j = 0; j < SUB; ++j) {
        const float *at = a + (size_t)block * stride + j * W;
        const vf re = vload(at), im = vload(at + ODEV_BIN_BLOCK);
        sum[j] = vfma(re, re, vfma(im, im, sum[j]));
      }
    if (u % ROWS < ROWS - 1 && u < bins.n - 1) continue;
    total += sum_lanes(sum);
    for (int j = 0; j < SUB; ++j) sum[j] = vset(0.0f);
  }
  double rest = 0;
  for (int block = bins.whole; block < bins.count; ++block)
    for (int lane = 0; lane < ODEV_BIN_BLOCK; ++lane) {
      int u, v;
      if (!odev_rest_bin(bins, block, lane, &u, &v)) continue;
      const float *at = a + (size_t)block * stride + lane;
      rest += (double)odev_bin_weight(bins, v) *
              ((double)at[0] * (double)at[0] + (double)at[ODEV_BIN_BLOCK] * (double)at[ODEV_BIN_BLOCK]);
    }
  return 2 * total - once + rest;
}

/* Z(u) = A + iB, and Z(-u) = conj A + i conj B. */
INLINE void join_impl(odev_bins bins, const float *a, int pictures, const float factor[2], size_t stride,
                      float *frame) {
  const int n = bins.n;
  const vf fa = vset(factor[0]), fb = vset(factor[1]);
  int block = 0;
  for (int u = 0; u < n; ++u) {
    float *const mirror = frame + 2 * (size_t)((n - u) % n) * (size_t)n;
    for (int run = 0; run < bins.runs; ++run, ++block)
      for (int j = 0; j < ODEV_BIN_BLOCK; j += W) {
        const int v = run * ODEV_BIN_BLOCK + j;
        const float *at = a + (size_t)block * stride + j;
        const vf ar = vload(at) * fa, ai = vload(at + ODEV_BIN_BLOCK) * fa;
        vf br = vset(0.0f), bi = br;
        if (pictures == 2) {
          br = vload(at + ODEV_BLOCK_FLOATS) * fb;
          bi = vload(at + ODEV_BLOCK_FLOATS + ODEV_BIN_BLOCK) * fb;
        }
        store_pairs(frame + 2 * ((size_t)u * (size_t)n + (size_t)v), ar - bi, ai + br);
        const vf mr = vreverse(ar + bi), mi = vreverse(br - ai);
        if (v > 0) {
          store_pairs(mirror + 2 * (n - v - W + 1), mr, mi);
        } else { /* column 0 is its own mirror image: its row stores it */
          float m[2 * W];
          store_pairs(m, mr, mi);
          memcpy(mirror + 2 * (n - W + 1), m, 2 * (W - 1) * sizeof *m);
        }
      }
  }
  for (; block < bins.count; ++block)
    for (int lane = 0; lane < ODEV_BIN_BLOCK; ++lane) {
      int u, v;
      if (!odev_rest_bin(bins, block, lane, &u, &v)) continue;
      const float *at = a + (size_t)block * stride + lane;
      const float ar = at[0] * factor[0], ai = at[ODEV_BIN_BLOCK] * factor[0];
      const float br = pictures == 2 ? at[ODEV_BLOCK_FLOATS] * factor[1] : 0.0f;
      const float bi = pictures == 2 ? at[ODEV_BLOCK_FLOATS + ODEV_BIN_BLOCK] * factor[1] : 0.0f;
      float *to = frame + 2 * (u * n + v), *mirror = frame + 2 * ((n - u) % n * n + (n - v) % n);
      to[0] = ar - bi, to[1] = ai + br;
      if (odev_bin_weight(bins, v) == 2.0f) mirror[0] = ar + bi, mirror[1] = br - ai;
    }
}

/* `T` tiles and `O` outputs at a time stay in registers: of 32, six and two leave room for what comes in. */
enum { MOST_TILES = W == 16 ? 6 : 2 };
INLINE void product_tile(const odev_product_shape *s, int T, int O, const float *x, const float *k, float *y) {
  for (int j = 0; j < PER_BLOCK; ++j, x += W, k += W, y += W) {
    vc sum[MOST_TILES][2];
    for (int t = 0; t < T; ++t)
      for (int o = 0; o < O; ++o) sum[t][o] = (vc){vset(0.0f), vset(0.0f)};
    for (int i = 0; i < s->inputs; ++i) {
      vf kr[2], ki[2];
      for (int o = 0; o < O; ++o) {
        const float *at = k + (size_t)i * s->k_input + (size_t)o * s->k_output;
        kr[o] = vload(at);
        ki[o] = vload(at + ODEV_BIN_BLOCK);
        if (s->conjugate) ki[o] = -ki[o];
      }
      for (int t = 0; t < T; ++t) {
        const float *at = x + (size_t)t * s->x_tile + (size_t)i * ODEV_BLOCK_FLOATS;
        const vf xr = vload(at), xi = vload(at + ODEV_BIN_BLOCK);
        for (int o = 0; o < O; ++o) {
          sum[t][o].re = vfnma(xi, ki[o], vfma(xr, kr[o], sum[t][o].re));
          sum[t][o].im = vfma(xi, kr[o], vfma(xr, ki[o], sum[t][o].im));
        }
      }
    }
    for (int t = 0; t < T; ++t)
      for (int o = 0; o < O; ++o) {
        float *at = y + (size_t)t * s->y_tile + (size_t)o * ODEV_BLOCK_FLOATS;
        vstore(at, sum[t][o].re);
        vstore(at + ODEV_BIN_BLOCK, sum[t][o].im);
      }
  }
}

INLINE void product_outputs(const odev_product_shape *s, int O, const float *x, const float *k, float *y) {
  /* In parts as equal as can be: each reads the kernels anew. */
  for (int parts = (s->tiles + MOST_TILES - 1) / MOST_TILES, t = 0; parts > 0; --parts) {
    const int some = (s->tiles - t + parts - 1) / parts;
    const float *const from = x + (size_t)t * s->x_tile;
    float *const to = y + (size_t)t * s->y_tile;
    switch (some) {
      case 1: product_tile(s, 1, O, from, k, to); break;
      case 2: product_tile(s, 2, O, from, k, to); break;
#if W == 16
      case 3: product_tile(s, 3, O, from, k, to); break;
      case 4: product_tile(s, 4, O, from, k, to); break;
      case 5: product_tile(s, 5, O, from, k, to); break;
      default: product_tile(s, 6, O, from, k, to); break;
#endif
    }
    t += some;
  }
}

INLINE void multiply_impl(const odev_product_shape *s, const float *x, const float *k, float *y) {
  int o = 0;
  for (; o + 2 <= s->outputs; o += 2)
    product_outputs(s, 2, x, k + (size_t)o * s->k_output, y + (size_t)o * ODEV_BLOCK_FLOATS);
  if (o < s->outputs)
    product_outputs(s, 1, x, k + (size_t)o * s->k_output, y + (size_t)o * ODEV_BLOCK_FLOATS);
}

INLINE void kernel_rows_impl(int ld, int taps_h, int taps_w, const float *weight, const float *turn_h, float *rows) {
  for (int l = 0; l < taps_w; ++l)
    for (int part = 0; part < 2; ++part, rows += ld)
      for (int u = 0; u < ld; u += W) {
        vf sum = vset(0.0f);
        for (int k = 0; k < taps_h; ++k)
          sum = vfma(vset(weight[k * taps_w + l]), vload(turn_h + (2 * k + part) * ld + u), sum);
        vstore(rows + u, sum);
      }
}

INLINE void kernel_block_impl(odev_bins bins, int ld, int block, int taps_w, const float *turn_w, const float *rows,
                              size_t count, float *spectra) {
  const int is_run = block < bins.whole, row = is_run ? block / bins.runs : 0;
  int u[ODEV_BIN_BLOCK], v, used[ODEV_BIN_BLOCK];
  for (int lane = 0; lane < ODEV_BIN_BLOCK && !is_run; ++lane) used[lane] = odev_rest_bin(bins, block, lane, u + lane, &v);
  for (size_t i = 0; i < count; ++i, rows += 2 * taps_w * ld, spectra += ODEV_BLOCK_FLOATS)
    for (int j = 0; j < ODEV_BIN_BLOCK; j += W) {
      vc sum = {vset(0.0f), vset(0.0f)};
      for (int l = 0; l < taps_w; ++l) {
        const float *re = rows + 2 * l * ld, *im = re + ld, *turn = turn_w + l * ODEV_BLOCK_FLOATS + j;
        vf a, b;
        if (is_run) {
          a = vset(re[row]);
          b = vset(im[row]);
        } else {
          float lanes[2][W];
          for (int lane = 0; lane < W; ++lane) {
            lanes[0][lane] = used[j + lane] ? re[u[j + lane]] : 0.0f;
            lanes[1][lane] = used[j + lane] ? im[u[j + lane]] : 0.0f;
          }
          a = vload(lanes[0]);
          b = vload(lanes[1]);
        }
        const vf c = vload(turn), s = vload(turn + ODEV_BIN_BLOCK);
        sum.re = vfnma(b, s, vfma(a, c, sum.re));
        sum.im = vfma(b, c, vfma(a, s, sum.im));
      }
      vstore(spectra + j, sum.re);
      vstore(spectra + ODEV_BIN_BLOCK + j, sum.im);
    }
}

/* `taps` a constant: the turns then stay in registers. */
INLINE void kernel_taps_of(int taps, const float *turns, const float *weight, size_t count, float *spectra) {
  for (int j = 0; j < ODEV_BIN_BLOCK; j += W) {
    vc turn[ODEV_FORMED_TAPS];
    for (int t = 0; t < taps; ++t) {
      turn[t].re = vload(turns + t * ODEV_BLOCK_FLOATS + j);
      turn[t].im = vload(turns + t * ODEV_BLOCK_FLOATS + ODEV_BIN_BLOCK + j);
    }
    const float *w = weight;
    float *to = spectra + j;
    for (size_t i = 0; i < count; ++i, w += taps, to += ODEV_BLOCK_FLOATS) {
      vc sum = {vset(w[0]) * turn[0].re, vset(w[0]) * turn[0].im};
      for (int t = 1; t < taps; ++t) {
        sum.re = vfma(vset(w[t]), turn[t].re, sum.re);
        sum.im = vfma(vset(w[t]), turn[t].im, sum.im);
      }
      vstore(to, sum.re);
      vstore(to + ODEV_BIN_BLOCK, sum.im);
    }
  }
}

INLINE void kernel_taps_impl(int taps, const float *turns, const float *weight, size_t count, float *spectra) {
  if (taps == 9)
    kernel_taps_of(9, turns, weight, count, spectra);
  else
    kernel_taps_of(taps, turns, weight, count, spectra);
}

INLINE void correlate_taps_impl(int tiles, const float *x, size_t x_tile, const float *g, size_t g_tile, int taps,
                           const float *turn, float *sums) {
  for (int j = 0; j < ODEV_BIN_BLOCK; j += W) {
    vc z = {vset(0.0f), vset(0.0f)};
    for (int t = 0; t < tiles; ++t) {
      const float *at = x + (size_t)t * x_tile + j, *by = g + (size_t)t * g_tile + j;
      const vf xr = vload(at), xi = vload(at + ODEV_BIN_BLOCK), gr = vload(by), gi = vload(by + ODEV_BIN_BLOCK);
      z.re = vfma(xi, gi, vfma(xr, gr, z.re));
      z.im = vfnma(xr, gi, vfma(xi, gr, z.im));
    }
    for (int k = 0; k < taps; ++k) {
      const float *by = turn + k * ODEV_BLOCK_FLOATS + j;
      float *to = sums + k * ODEV_BLOCK_FLOATS + j;
      const vf c = vload(by), s = vload(by + ODEV_BIN_BLOCK);
      vstore(to, vfnma(z.im, s, vfma(z.re, c, vload(to))));
      vstore(to + ODEV_BIN_BLOCK, vfma(z.im, c, vfma(z.re, s, vload(to + ODEV_BIN_BLOCK))));
    }
  }
}

#endif
