/* seams_impl.h - correlations of seams with kernels: a few rows, taken directly.
 *
 * Each sum runs over inputs and taps in order, whatever the vector width, so that every path gives the
 * same bits.
 */
#ifndef ODEV_SEAMS_IMPL_H
#define ODEV_SEAMS_IMPL_H

#include "convolution_kernels.h"
#include "simd.h"

/* `outputs` kernels at `vectors` vectors of outputs along the seam: their sums stay in registers. */
INLINE void seam_block(const odev_seam_shape *s, int taps_across, const float *seam, const float *w, const int outputs,
                       const int vectors, size_t pitch, float *sums) {
  vf sum[ODEV_SEAM_OUTPUTS][4];
  for (int o = 0; o < outputs; ++o)
    for (int v = 0; v < vectors; ++v) sum[o][v] = vset(0.0f);
  for (int i = 0; i < s->inputs; ++i)
    for (int t = 0; t < taps_across; ++t) {
      const float *const row = seam + (size_t)i * s->input + (size_t)t * s->row;
      const float *const taps = w + (size_t)i * s->w_input + (size_t)t * s->w_across;
      for (int u = 0; u < s->taps_along; ++u) {
        vf x[4];
        for (int v = 0; v < vectors; ++v) x[v] = vload(row + u * s->dilation_along + v * W);
        for (int o = 0; o < outputs; ++o) {
          const vf k = vset(taps[(size_t)o * s->w_output + (size_t)u * s->w_along]);
          for (int v = 0; v < vectors; ++v) sum[o][v] = vfma(k, x[v], sum[o][v]);
        }
      }
    }
  for (int o = 0; o < outputs; ++o)
    for (int v = 0; v < vectors; ++v) vstore(sums + (size_t)o * pitch + v * W, sum[o][v]);
}

INLINE void seam_outputs(const odev_seam_shape *s, int taps_across, const float *seam, const float *w,
                         const int outputs, size_t pitch, float *sums) {
  enum { MOST = W >= 16 ? 4 : 2 }; /* with four outputs: 16 of 32 registers, or 8 of 16 */
  const int end = (s->along + ODEV_LANES - 1) / ODEV_LANES * ODEV_LANES;
  int c = 0;
  for (; c + MOST * W <= end; c += MOST * W)
    seam_block(s, taps_across, seam + c, w, outputs, MOST, pitch, sums + c);
  for (; c < end; c += W) seam_block(s, taps_across, seam + c, w, outputs, 1, pitch, sums + c);
}

INLINE void seam_impl(const odev_seam_shape *s, int taps_across, const float *seam, const float *w, int outputs,
                      size_t pitch, float *sums) {
  if (outputs == ODEV_SEAM_OUTPUTS) {
    seam_outputs(s, taps_across, seam, w, ODEV_SEAM_OUTPUTS, pitch, sums);
    return;
  }
  for (int o = 0; o < outputs; ++o)
    seam_outputs(s, taps_across, seam, w + (size_t)o * s->w_output, 1, pitch, sums + (size_t)o * pitch);
}

#endif
