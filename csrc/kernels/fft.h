/* fft.h - the plan of the two-dimensional transform of one frame (fft_impl.h does the work). */
#ifndef ODEV_FFT_H
#define ODEV_FFT_H

#include "geometry.h"

enum { ODEV_FFT_MAX_PASSES = 5 };

typedef struct {
  int n;
  int passes;                     /* 0: N is no power of two, and the dense matrix is used */
  int radix[ODEV_FFT_MAX_PASSES]; /* 8, 4 or 2 */
  size_t twiddle_at[ODEV_FFT_MAX_PASSES];
  float *twiddle; /* interleaved re, im: per pass [p][j], j = 1..radix-1; or the dense N x N matrix */
} odev_fft_plan;

/* Returns 0, or -1 when memory runs out.  1 <= n <= ODEV_MAX_N. */
int odev_fft_plan_init(odev_fft_plan *plan, int n);
void odev_fft_plan_free(odev_fft_plan *plan);

/* Floats of scratch that a transform of this size needs. */
size_t odev_fft_scratch_size(int n);

#endif
