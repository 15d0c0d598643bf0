/* boundary_impl.h - rows of the device boundary (natural N x N order, no padding) as vectors. */
#ifndef ODEV_BOUNDARY_IMPL_H
#define ODEV_BOUNDARY_IMPL_H

#include "simd.h"

/* 16-bit words to 32-bit ones. */
INLINE vi vwiden(const uint16_t *p) {
#if W == 16
  return (vi)_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p));
#elif W == 8
  return (vi)_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
#else
  vh h;
  memcpy(&h, p, sizeof h);
  return __builtin_convertvector(h, vi);
#endif
}

/* The W elements from column c; columns from n on read as zero. */
INLINE vi load_u16(const uint16_t *row, int c, int n) {
  if (__builtin_expect(c + W <= n, 1)) return vwiden(row + c);
  uint16_t some[W] = {0};
  if (c < n) memcpy(some, row + c, (size_t)(n - c) * sizeof *row);
  return vwiden(some);
}
INLINE vf load_f32(const float *row, int c, int n) {
  if (c + W <= n) return vload(row + c);
  vf v = vset(0.0f);
  if (c < n) memcpy(&v, row + c, (size_t)(n - c) * sizeof *row);
  return v;
}
/* 32-bit words to 16-bit ones; values lie within [0, 65535]. */
INLINE void vstore_narrow(uint16_t *p, vi v) {
#if W == 16
  _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtepi32_epi16((__m512i)v));
#elif W == 8
  const __m256i pairs = _mm256_packus_epi32((__m256i)v, (__m256i)v);
  _mm_storeu_si128((__m128i *)(void *)p, _mm256_castsi256_si128(_mm256_permute4x64_epi64(pairs, 0x08)));
#else
  const vh h = __builtin_convertvector(v, vh);
  memcpy(p, &h, sizeof h);
#endif
}

/* Rounds to the nearest, ties to even. */
INLINE void store_u16(uint16_t *row, int c, int n, vf value) {
  const vi v = vto_i_nearest(value);
  if (__builtin_expect(c + W <= n, 1)) {
    vstore_narrow(row + c, v);
  } else if (c < n) {
    uint16_t some[W];
    vstore_narrow(some, v);
    memcpy(row + c, some, (size_t)(n - c) * sizeof *row);
  }
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
                    : vfrom_i(load_u16((const uint16_t *)p.data + at, c, p.n));
}
INLINE void plane_store(odev_plane p, int r, int c, vf value) {
  const size_t at = (size_t)r * (size_t)p.n;
  if (p.is_float)
    store_f32((float *)p.data + at, c, p.n, value);
  else
    store_u16((uint16_t *)p.data + at, c, p.n, value);
}

#define LANE_EVEN(l) (2 * (l))
#define LANE_ODD(l) (2 * (l) + 1)
#define LANE_FIRST_PAIRS(l) ((l) / 2 + (l) % 2 * W)
#define LANE_LAST_PAIRS(l) (LANE_FIRST_PAIRS(l) + W / 2)

/* W interleaved complex numbers, split; and back. */
INLINE void load_pairs(const float *p, vf *re, vf *im) {
  const vf a = vload(p), b = vload(p + W);
  *re = VPICK(a, b, LANE_EVEN);
  *im = VPICK(a, b, LANE_ODD);
}
INLINE void store_pairs(float *p, vf re, vf im) {
  vstore(p, VPICK(re, im, LANE_FIRST_PAIRS));
  vstore(p + W, VPICK(re, im, LANE_LAST_PAIRS));
}

/* The same from column c of a row of n, of which there may be fewer than W left. */
INLINE void load_complex(const float *row, int c, int n, vf *re, vf *im) {
  if (c + W <= n) {
    load_pairs(row + 2 * (size_t)c, re, im);
    return;
  }
  float v[2 * W] = {0};
  if (c < n) memcpy(v, row + 2 * (size_t)c, 2 * (size_t)(n - c) * sizeof *v);
  load_pairs(v, re, im);
}
INLINE void store_complex(float *row, int c, int n, vf re, vf im) {
  if (c + W <= n) {
    store_pairs(row + 2 * (size_t)c, re, im);
    return;
  }
  float v[2 * W];
  store_pairs(v, re, im);
  if (c < n) memcpy(row + 2 * (size_t)c, v, 2 * (size_t)(n - c) * sizeof *v);
}

#endif
