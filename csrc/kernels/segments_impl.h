/* segments_impl.h - segments of pictures and whole tiles: polynomials, packing, putting back.
 *
 * Sums run over 16 fixed lanes whatever the vector width, so that every path gives the same bits.
 */
#ifndef ODEV_SEGMENTS_IMPL_H
#define ODEV_SEGMENTS_IMPL_H

#include "boundary_impl.h"
#include "convolution_kernels.h"
#include "predict_impl.h"

/* The first `count` lanes of x, zero in the others. */
INLINE vf keep_lanes(vf x, int count) {
  const vf lane = vfrom_i((vi)vlane_index());
  return vselect(vgreater(vset((float)count), lane), x, vset(0.0f));
}

INLINE vf column_of(int c, float first) { return vfrom_i((vi)vlane_index()) + vset((float)c + first); }

INLINE void moments_impl(const float *rows, int pitch, int height, int width, double sums[ODEV_COEFFICIENTS]) {
  const float first = -0.5f * (float)(width - 1);
  vf total[ODEV_COEFFICIENTS][SUB];
  for (int i = 0; i < ODEV_COEFFICIENTS; ++i)
    for (int j = 0; j < SUB; ++j) total[i][j] = vset(0.0f);
  for (int r = 0; r < height; ++r, rows += pitch) {
    const vf row = vset((float)r - 0.5f * (float)(height - 1));
    for (int j = 0; j < SUB; ++j) {
      vf s0 = vset(0.0f), s1 = s0, s2 = s0;
      for (int c = j * W; c < width; c += ODEV_LANES) {
        const vf column = column_of(c, first), x = vload(rows + c), xc = x * column;
        s0 = s0 + x;
        s1 = s1 + xc;
        s2 = vfma(xc, column, s2);
      }
      const vf rs0 = row * s0;
      total[0][j] = total[0][j] + s0;
      total[1][j] = total[1][j] + s1;
      total[2][j] = total[2][j] + s2;
      total[3][j] = total[3][j] + rs0;
      total[4][j] = vfma(row, s1, total[4][j]);
      total[5][j] = vfma(row, rs0, total[5][j]);
    }
  }
  for (int i = 0; i < ODEV_COEFFICIENTS; ++i) sums[i] = sum_lanes(total[i]);
}

INLINE vf polynomial_at(const float q[3], vf column) {
  return vfma(vfma(vset(q[2]), column, vset(q[1])), column, vset(q[0]));
}

INLINE void subtract_impl(float *rows, int pitch, int height, int width, const float a[ODEV_COEFFICIENTS]) {
  const float first = -0.5f * (float)(width - 1);
  for (int r = 0; r < height; ++r, rows += pitch) {
    const float y = (float)r - 0.5f * (float)(height - 1);
    const float q[3] = {a[0] + y * (a[3] + y * a[5]), a[1] + y * a[4], a[2]};
    for (int c = 0; c < width; c += W) {
      const vf x = vload(rows + c) - polynomial_at(q, column_of(c, first));
      vstore(rows + c, c + W <= width ? x : keep_lanes(x, width - c));
    }
  }
}

/* Runs of 16 sums in float, added in double: exact enough for a scale, whatever the size. */
INLINE double energy_impl(const float *x, size_t count) {
  double total = 0;
  for (size_t begin = 0; begin < count; begin += 64 * ODEV_LANES) {
    const size_t end = begin + 64 * ODEV_LANES < count ? begin + 64 * ODEV_LANES : count;
    vf sum[SUB];
    for (int j = 0; j < SUB; ++j) sum[j] = vset(0.0f);
    size_t i = begin;
    for (; i + ODEV_LANES <= end; i += ODEV_LANES)
      for (int j = 0; j < SUB; ++j) {
        const vf v = vload(x + i + j * W);
        sum[j] = vfma(v, v, sum[j]);
      }
    total += sum_lanes(sum);
    for (; i < end; ++i) total += (double)x[i] * (double)x[i];
  }
  return total;
}

INLINE float largest_impl(const float *x, size_t count) {
  vf most = vset(0.0f);
  vf odd = vset(0.0f); /* NaN as soon as one is NaN or infinite */
  size_t i = 0;
  for (; i + W <= count; i += W) {
    const vf v = vload(x + i);
    most = vmax(vabs(v), most);
    odd = odd + v * vset(0.0f);
  }
  float largest = 0.0f, bad = 0.0f;
  for (int l = 0; l < W; ++l) {
    largest = most[l] > largest ? most[l] : largest;
    bad += odd[l];
  }
  for (; i < count; ++i) {
    largest = __builtin_fabsf(x[i]) > largest ? __builtin_fabsf(x[i]) : largest;
    bad += x[i] * 0.0f;
  }
  return bad == 0.0f ? largest : __builtin_nanf("");
}

INLINE void pack_impl(const float *a, const float *b, float a_factor, float b_factor, size_t count, float *frame) {
  const vf fa = vset(a_factor), fb = vset(b_factor);
  size_t i = 0;
  for (; i + W <= count; i += W) {
    const vf im = b ? vload(b + i) * fb : vset(0.0f);
    store_pairs(frame + 2 * i, vload(a + i) * fa, im);
  }
  for (; i < count; ++i) {
    frame[2 * i] = a[i] * a_factor;
    frame[2 * i + 1] = b ? b[i] * b_factor : 0.0f;
  }
}

INLINE vf put_values(vf re, vf im, int part, vf factor, const float q[3], vf column) {
  return vfma(part ? im : re, factor, polynomial_at(q, column));
}

INLINE void put_row_impl(const float *z, int part, int count, float factor, const float q[3], float first, int add,
                         float *row) {
  const vf by = vset(factor);
  int c = 0;
  for (; c + W <= count; c += W) {
    vf re, im;
    load_pairs(z + 2 * c, &re, &im);
    const vf v = put_values(re, im, part, by, q, column_of(c, first));
    vstore(row + c, add ? vload(row + c) + v : v);
  }
  if (c == count) return;
  vf re, im;
  load_complex(z, c, count, &re, &im);
  vf v = put_values(re, im, part, by, q, column_of(c, first));
  if (add) v = v + load_f32(row, c, count);
  store_f32(row, c, count, v);
}

/* Output coefficients, in pixels: (i over m)(j over n) M[i - m][j - n] of each input's. */
INLINE void carry_impl(int inputs, const float *a, size_t stride, const float *m, float result[ODEV_COEFFICIENTS]) {
  vf sum[ODEV_COEFFICIENTS][SUB];
  for (int i = 0; i < ODEV_COEFFICIENTS; ++i)
    for (int j = 0; j < SUB; ++j) sum[i][j] = vset(0.0f);
  for (int c = 0; c < inputs; c += ODEV_LANES)
    for (int j = 0; j < SUB; ++j) {
      vf p[ODEV_COEFFICIENTS], k[ODEV_COEFFICIENTS];
      for (int i = 0; i < ODEV_COEFFICIENTS; ++i) {
        p[i] = load_f32(a + (size_t)i * stride, c + j * W, inputs);
        k[i] = load_f32(m + (size_t)i * (size_t)inputs, c + j * W, inputs);
      }
      const vf twice_c = k[1] + k[1], twice_r = k[3] + k[3];
      for (int i = 0; i < ODEV_COEFFICIENTS; ++i) {
        sum[0][j] = vfma(p[i], k[i], sum[0][j]);
        if (i > 0) sum[i][j] = vfma(p[i], k[0], sum[i][j]);
      }
      sum[1][j] = vfma(p[2], twice_c, vfma(p[4], k[3], sum[1][j]));
      sum[3][j] = vfma(p[5], twice_r, vfma(p[4], k[1], sum[3][j]));
    }
  for (int i = 0; i < ODEV_COEFFICIENTS; ++i) result[i] = (float)sum_lanes(sum[i]);
}

#endif
