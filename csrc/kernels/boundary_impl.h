/* boundary_impl.h - rows of the device boundary (natural N x N order, no padding) as vectors. */
#ifndef ODEV_BOUNDARY_IMPL_H
#define ODEV_BOUNDARY_IMPL_H

#include "simd.h"

/* The W elements from column c; columns from n on read as zero. */
INLINE vf load_u16(const uint16_t *row, int c, int n) {
  vh h = {0};
  if (c + W <= n)
    memcpy(&h, row + c, sizeof h);
  else if (c < n)
    memcpy(&h, row + c, (size_t)(n - c) * sizeof *row);
  return vfrom_i(__builtin_convertvector(h, vi));
}
INLINE vf load_f32(const float *row, int c, int n) {
  if (c + W <= n) return vload(row + c);
  vf v = vset(0.0f);
  if (c < n) memcpy(&v, row + c, (size_t)(n - c) * sizeof *row);
  return v;
}
/* Rounds to the nearest, ties to even; values lie within [0, 65535]. */
INLINE void store_u16(uint16_t *row, int c, int n, vf value) {
  const vh h = __builtin_convertvector(vto_i_nearest(value), vh);
  if (c + W <= n)
    memcpy(row + c, &h, sizeof h);
  else if (c < n)
    memcpy(row + c, &h, (size_t)(n - c) * sizeof *row);
}
INLINE void store_f32(float *row, int c, int n, vf value) {
  if (c + W <= n)
    vstore(row + c, value);
  else if (c < n)
    memcpy(row + c, &value, (size_t)(n - c) * sizeof *row);
}

/* A plane of codes or counts: 16-bit integers, or float when the profile has no quantisation. */
typedef struct {
  void *data;
  int is_float;
  int n;
} odev_plane;

INLINE vf plane_load(odev_plane p, int r, int c) {
  const size_t at = (size_t)r * (size_t)p.n;
  return p.is_float ? load_f32((const float *)p.data + at, c, p.n)
                    : load_u16((const uint16_t *)p.data + at, c, p.n);
}
INLINE void plane_store(odev_plane p, int r, int c, vf value) {
  const size_t at = (size_t)r * (size_t)p.n;
  if (p.is_float)
    store_f32((float *)p.data + at, c, p.n, value);
  else
    store_u16((uint16_t *)p.data + at, c, p.n, value);
}

/* W interleaved complex numbers from column c of a natural N x N plane, split; and back. */
INLINE void load_complex(const float *row, int c, int n, vf *re, vf *im) {
  float v[2 * W] = {0};
  const int count = n - c < W ? (n - c > 0 ? n - c : 0) : W;
  memcpy(v, row + 2 * (size_t)c, 2 * (size_t)count * sizeof *v);
  const vf a = vload(v), b = vload(v + W);
  const vi even = (vi)(2 * vlane_index());
  *re = __builtin_shuffle(a, b, even);
  *im = __builtin_shuffle(a, b, even + 1);
}
INLINE void store_complex(float *row, int c, int n, vf re, vf im) {
  const vu lane = vlane_index();
  const vi lo = (vi)(lane / 2 + (lane & 1) * W), hi = lo + W / 2;
  float v[2 * W];
  vstore(v, __builtin_shuffle(re, im, lo));
  vstore(v + W, __builtin_shuffle(re, im, hi));
  const int count = n - c < W ? (n - c > 0 ? n - c : 0) : W;
  memcpy(row + 2 * (size_t)c, v, 2 * (size_t)count * sizeof *v);
}

#endif
