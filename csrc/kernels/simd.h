/* simd.h - the vector vocabulary of the kernels.
 *
 * The kernels are written once, in GCC vector extensions, and compiled once per instruction set by
 * the stubs kernels_v4.c (W = 16), kernels_v3.c (W = 8) and kernels_base.c (W = 4).  Only what the
 * extensions cannot say (fused multiply-add, square root, 32x32->64 multiply) needs an intrinsic.
 *
 * Both FMA builds perform the same operations on the same elements in the same order, so they agree
 * bit for bit.  The baseline has no fused multiply-add and may differ in the last place.
 */
#ifndef ODEV_SIMD_H
#define ODEV_SIMD_H

#include <stdint.h>
#include <string.h>

#ifndef ODEV_W
#error "ODEV_W, the vector width in floats, is set by the stub that includes the kernels"
#endif

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define W ODEV_W

typedef float vf __attribute__((vector_size(W * 4)));
typedef int32_t vi __attribute__((vector_size(W * 4)));
typedef uint32_t vu __attribute__((vector_size(W * 4)));
typedef uint16_t vh __attribute__((vector_size(W * 2)));

#define INLINE static inline __attribute__((always_inline))

/* Spelt out: the compiler recognises a broadcast by it, but not a loop over the lanes. */
#if W == 16
#define LANES(f) f(0), f(1), f(2), f(3), f(4), f(5), f(6), f(7), f(8), f(9), f(10), f(11), f(12), f(13), f(14), f(15)
#elif W == 8
#define LANES(f) f(0), f(1), f(2), f(3), f(4), f(5), f(6), f(7)
#else
#define LANES(f) f(0), f(1), f(2), f(3)
#endif
#define SAME_(lane) x
#define INDEX_(lane) lane
INLINE vf vset(float x) { return (vf){LANES(SAME_)}; }
INLINE vu vset_u(uint32_t x) { return (vu){LANES(SAME_)}; }
INLINE vu vlane_index(void) { return (vu){LANES(INDEX_)}; }
/* Lanes of a and b, those of b counted from W on: f(l) is the one that becomes lane l. */
#if defined(__clang__)
#define VPICK(a, b, f) __builtin_shufflevector(a, b, LANES(f))
#else
#define VPICK(a, b, f) __builtin_shuffle(a, b, (vi){LANES(f)})
#endif
INLINE vf vload(const float *p) {
  vf r;
  memcpy(&r, p, sizeof r);
  return r;
}
INLINE void vstore(float *p, vf x) { memcpy(p, &x, sizeof x); }

/* Comparisons give a mask, one bit a lane where the hardware has such registers; select takes a where
 * it is set, b elsewhere.  min and max give b when either is NaN. */
#if W == 16
typedef __mmask16 vmask;
INLINE vmask vgreater(vf a, vf b) { return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_GT_OQ); }
INLINE vmask vgreater_equal(vf a, vf b) { return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_GE_OQ); }
INLINE vmask vequal(vf a, vf b) { return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_EQ_OQ); }
INLINE vmask vodd(vi a) { return _mm512_test_epi32_mask((__m512i)a, _mm512_set1_epi32(1)); }
INLINE vf vselect(vmask m, vf a, vf b) { return (vf)_mm512_mask_blend_ps(m, (__m512)b, (__m512)a); }
INLINE uint32_t vmask_bits(vmask m) { return m; }
INLINE vmask vbit(vu a, int bit) { return _mm512_test_epi32_mask((__m512i)a, _mm512_set1_epi32(1 << bit)); }
INLINE vf vmin(vf a, vf b) { return (vf)_mm512_min_ps((__m512)a, (__m512)b); }
INLINE vf vmax(vf a, vf b) { return (vf)_mm512_max_ps((__m512)a, (__m512)b); }
#elif W == 8
typedef vi vmask;
INLINE vmask vgreater(vf a, vf b) { return a > b; }
INLINE vmask vgreater_equal(vf a, vf b) { return a >= b; }
INLINE vmask vequal(vf a, vf b) { return a == b; }
INLINE vmask vodd(vi a) { return (a & 1) != 0; }
INLINE vf vselect(vmask m, vf a, vf b) { return (vf)_mm256_blendv_ps((__m256)b, (__m256)a, (__m256)m); }
INLINE uint32_t vmask_bits(vmask m) { return (uint32_t)_mm256_movemask_ps((__m256)m); }
INLINE vmask vbit(vu a, int bit) { return (vi)(a << (31 - bit)) >> 31; }
INLINE vf vmin(vf a, vf b) { return (vf)_mm256_min_ps((__m256)a, (__m256)b); }
INLINE vf vmax(vf a, vf b) { return (vf)_mm256_max_ps((__m256)a, (__m256)b); }
#else
typedef vi vmask;
INLINE vmask vgreater(vf a, vf b) { return a > b; }
INLINE vmask vgreater_equal(vf a, vf b) { return a >= b; }
INLINE vmask vequal(vf a, vf b) { return a == b; }
INLINE vmask vodd(vi a) { return (a & 1) != 0; }
INLINE vf vselect(vmask m, vf a, vf b) { return (vf)((m & (vi)a) | (~m & (vi)b)); }
INLINE uint32_t vmask_bits(vmask m) {
  uint32_t bits = 0;
  for (int i = 0; i < W; ++i) bits |= (uint32_t)(m[i] & 1) << i;
  return bits;
}
INLINE vmask vbit(vu a, int bit) { return (vi)(a << (31 - bit)) >> 31; }
INLINE vf vmin(vf a, vf b) { return vselect(a < b, a, b); }
INLINE vf vmax(vf a, vf b) { return vselect(a > b, a, b); }
#endif
INLINE vf vabs(vf a) { return (vf)((vi)a & 0x7fffffff); }
INLINE vf vcopysign(vf magnitude, vf sign) {
  return (vf)(((vi)magnitude & 0x7fffffff) | ((vi)sign & (int32_t)0x80000000));
}

/* Explicit fused multiply-add, a*b + c; contraction is off, so nothing else is ever fused. */
INLINE vf vfma(vf a, vf b, vf c) {
#if W == 16
  return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif W == 8
  return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
  return a * b + c;
#endif
}
INLINE vf vfnma(vf a, vf b, vf c) { return vfma(-a, b, c); }

/* Correctly rounded square root. */
INLINE vf vsqrt(vf a) {
#if W == 16
  return (vf)_mm512_sqrt_ps((__m512)a);
#elif W == 8
  return (vf)_mm256_sqrt_ps((__m256)a);
#elif defined(__x86_64__)
  return (vf)_mm_sqrt_ps((__m128)a);
#else
  vf r;
  for (int i = 0; i < W; ++i) r[i] = __builtin_sqrtf(a[i]);
  return r;
#endif
}

/* Round to nearest, ties to even, for |a| < 2^22. */
INLINE vf vround(vf a) {
  const vf magic = vset(12582912.0f);
  return (a + magic) - magic;
}

INLINE vf vfrom_i(vi a) { return __builtin_convertvector(a, vf); }
INLINE vi vto_i(vf a) { return __builtin_convertvector(a, vi); } /* truncates: give it integers */

/* To the nearest integer, ties to even, |a| < 2^22. */
INLINE vi vto_i_nearest(vf a) {
#if W == 16
  return (vi)_mm512_cvtps_epi32((__m512)a);
#elif W == 8
  return (vi)_mm256_cvtps_epi32((__m256)a);
#elif defined(__x86_64__)
  return (vi)_mm_cvtps_epi32((__m128)a);
#else
  return vto_i(vround(a));
#endif
}

/* A table of 16 floats, kept in registers where there are shuffles for it. */
typedef struct {
#if W == 16
  __m512 all;
#elif W == 8
  __m256 low, high;
#else
  const float *at;
#endif
} vtable;
INLINE vtable vtable_of(const float table[16]) {
#if W == 16
  return (vtable){_mm512_loadu_ps(table)};
#elif W == 8
  return (vtable){_mm256_loadu_ps(table), _mm256_loadu_ps(table + 8)};
#else
  return (vtable){table};
#endif
}
/* table[index], index 0 to 15 in each lane. */
INLINE vf vtable_at(vtable table, vi index) {
#if W == 16
  return (vf)_mm512_permutexvar_ps((__m512i)index, table.all);
#elif W == 8
  const __m256 low = _mm256_permutevar8x32_ps(table.low, (__m256i)index);
  const __m256 high = _mm256_permutevar8x32_ps(table.high, (__m256i)index);
  return (vf)_mm256_blendv_ps(low, high, (__m256)(index << 28));
#else
  vf r;
  for (int i = 0; i < W; ++i) r[i] = table.at[index[i]];
  return r;
#endif
}

/* 64-bit products of the lower word of each pair of words with one constant. */
typedef uint64_t vq __attribute__((vector_size(W * 4)));
INLINE vq vset_q(uint64_t x) { return (vq){0} + x; }
INLINE vq vmul_lower(vq a, uint32_t m) {
#if W == 16
  return (vq)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi32((int)m));
#elif W == 8
  return (vq)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi32((int)m));
#elif defined(__x86_64__)
  return (vq)_mm_mul_epu32((__m128i)a, _mm_set1_epi32((int)m));
#else
  return (a & 0xffffffffu) * m;
#endif
}
/* The lower words of two vectors of pairs, taking turns. */
INLINE vu vinterleave_lower(vq even, vq odd) {
#if W == 16
  return (vu)_mm512_mask_blend_epi32(0xAAAA, (__m512i)even, (__m512i)(odd << 32));
#elif W == 8
  return (vu)_mm256_blend_epi32((__m256i)even, (__m256i)(odd << 32), 0xAA);
#else
  return (vu)((even & 0xffffffffu) | (odd << 32));
#endif
}

/* In-register transpose of a W x W block: log2(W) rounds that swap off-diagonal halves. */
#define SWAP_ROUND(v, d)                                                 \
  do {                                                                   \
    for (int i_ = 0; i_ < W; ++i_) {                                     \
      if (i_ & (d)) continue;                                            \
      const vf a_ = (v)[i_], b_ = (v)[i_ + (d)];                         \
      (v)[i_] = VPICK(a_, b_, LANE_LO_##d);                              \
      (v)[i_ + (d)] = VPICK(a_, b_, LANE_HI_##d);                        \
    }                                                                    \
  } while (0)
/* The W lanes that begin `by` lanes (a constant) before `at`, and after it. */
#if W == 16
#define VFROM_BEFORE(before, at, by) \
  ((vf)_mm512_alignr_epi32((__m512i)(at), (__m512i)(before), W - (by)))
#define VFROM_AFTER(at, after, by) ((vf)_mm512_alignr_epi32((__m512i)(after), (__m512i)(at), (by)))
#else
#define LANE_BEFORE_1(l) (W - 1 + (l))
#define LANE_BEFORE_2(l) (W - 2 + (l))
#define LANE_AFTER_1(l) (1 + (l))
#define LANE_AFTER_2(l) (2 + (l))
#define VFROM_BEFORE(before, at, by) VPICK(before, at, LANE_BEFORE_##by)
#define VFROM_AFTER(at, after, by) VPICK(at, after, LANE_AFTER_##by)
#endif
INLINE vf vfrom_before(vf before, vf at) { return VFROM_BEFORE(before, at, 1); }
INLINE vf vfrom_after(vf at, vf after) { return VFROM_AFTER(at, after, 1); }
INLINE vf vfrom_two_before(vf before, vf at) { return VFROM_BEFORE(before, at, 2); }
INLINE vf vfrom_two_after(vf at, vf after) { return VFROM_AFTER(at, after, 2); }

#define LANE_LO(l, d) (((l) & (d)) ? W + (l) - (d) : (l))
#define LANE_HI(l, d) (((l) & (d)) ? W + (l) : (l) + (d))
#define LANE_LO_1(l) LANE_LO(l, 1)
#define LANE_HI_1(l) LANE_HI(l, 1)
#define LANE_LO_2(l) LANE_LO(l, 2)
#define LANE_HI_2(l) LANE_HI(l, 2)
#define LANE_LO_4(l) LANE_LO(l, 4)
#define LANE_HI_4(l) LANE_HI(l, 4)
#define LANE_LO_8(l) LANE_LO(l, 8)
#define LANE_HI_8(l) LANE_HI(l, 8)

INLINE void vtranspose(vf v[W]) {
  SWAP_ROUND(v, 1);
  SWAP_ROUND(v, 2);
#if W >= 8
  SWAP_ROUND(v, 4);
#endif
#if W >= 16
  SWAP_ROUND(v, 8);
#endif
}

#endif
