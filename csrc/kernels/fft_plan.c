/* fft_plan.c - factors and twiddles of the frame transform. */
#include "fft.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double two_pi = 6.283185307179586476925286766559;

static void set_root(float *at, long k, long n) {
  const double angle = -two_pi * (double)(k % n) / (double)n;
  at[0] = (float)cos(angle);
  at[1] = (float)sin(angle);
}

static int dense_init(odev_fft_plan *plan, int n) {
  plan->twiddle = malloc(2 * (size_t)n * (size_t)n * sizeof(float));
  if (!plan->twiddle) return -1;
  for (long k = 0; k < n; ++k)
    for (long j = 0; j < n; ++j) set_root(plan->twiddle + 2 * (k * n + j), k * j, n);
  return 0;
}

int odev_fft_plan_init(odev_fft_plan *plan, int n) {
  memset(plan, 0, sizeof *plan);
  plan->n = n;
  if (n < 4 || (n & (n - 1)) != 0) return dense_init(plan, n);

  size_t twiddles = 0;
  for (int left = n; left > 1;) {
    /* Never leave a lone factor 2 if a 4 can be had in its place. */
    const int r = left == 16 ? 4 : left >= 8 ? 8 : left;
    plan->twiddle_at[plan->passes] = twiddles;
    plan->radix[plan->passes++] = r;
    twiddles += (size_t)(left / r) * (size_t)(r - 1);
    left /= r;
  }
  plan->twiddle = malloc(2 * twiddles * sizeof(float));
  if (!plan->twiddle) return -1;
  int length = n;
  for (int pass = 0; pass < plan->passes; ++pass) {
    const int r = plan->radix[pass];
    float *at = plan->twiddle + 2 * plan->twiddle_at[pass];
    for (long p = 0; p < length / r; ++p)
      for (long j = 1; j < r; ++j, at += 2) set_root(at, p * j, length);
    length /= r;
  }
  return 0;
}

void odev_fft_plan_free(odev_fft_plan *plan) {
  free(plan->twiddle);
  plan->twiddle = NULL;
}

size_t odev_fft_scratch_size(int n) {
  const odev_geometry g = odev_geometry_of(n);
  /* One intermediate plane pair, and two column blocks of the widest vector. */
  return 2 * odev_square_size(g) + 4 * (size_t)g.ld * ODEV_LANES;
}
