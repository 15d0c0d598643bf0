/* slow_lens.c - the tables of the lens that rotates and magnifies. */
#include "slow_lens.h"

#include <math.h>

static const double two_pi = 6.283185307179586476925286766559;

/* e^{2 pi i turns} */
static void set_phase(float *re, float *im, double turns) {
  const double angle = two_pi * (turns - nearbyint(turns));
  *re = (float)cos(angle);
  *im = (float)sin(angle);
}

/* e^{-2 pi i (x b y + c r + c u - c^2) / n}, [u][r]. */
static void set_matrix(odev_fft_plan *plan, int n, double b, float *at) {
  const int c = n / 2;
  plan->n = n;
  plan->passes = 0;
  plan->twiddle = at;
  for (int u = 0; u < n; ++u)
    for (int r = 0; r < n; ++r, at += 2) {
      const double centring = (double)((long)c * (r + u - c));
      set_phase(at, at + 1, -(b * (double)((r - c) * (u - c)) + centring) / n);
    }
}

/* The fewest terms that leave less than 2^-24: kappa^{k+1}/(k+1)! / (1 - kappa/(k+2)) for the last index k. */
static int terms_for(double kappa) {
  double next = kappa;
  int last = 0;
  while (last + 2 < ODEV_SHEAR_TERMS && !(kappa < last + 2 && next / (1 - kappa / (last + 2)) <= 0x1p-24)) {
    ++last;
    next *= kappa / (last + 1);
  }
  return last + 1;
}

size_t odev_slow_lens_tables_size(int n) {
  const odev_geometry g = odev_geometry_of(n);
  return 4 * (size_t)n * (size_t)n + 2 * odev_square_size(g) + (size_t)g.ld + 3 * ODEV_LANES;
}

size_t odev_slow_lens_scratch_size(int n) {
  const odev_geometry g = odev_geometry_of(n);
  /* Field and sum, one intermediate, one result, and the sweeps' column blocks. */
  return 8 * odev_square_size(g) + 4 * (size_t)g.ld * ODEV_LANES;
}

void odev_slow_lens_prepare(odev_slow_lens *lens, int n, double scale, double rotation_rad, float *tables) {
  if (lens->is_ready && lens->scale == scale && lens->rotation_rad == rotation_rad) return;
  const odev_geometry g = odev_geometry_of(n);
  const int c = n / 2;
  const double along = scale * cos(rotation_rad), across = scale * sin(rotation_rad);
  lens->n = n;
  lens->scale = scale;
  lens->rotation_rad = rotation_rad;
  const size_t matrix = (2 * (size_t)n * (size_t)n + ODEV_LANES - 1) / ODEV_LANES * ODEV_LANES;
  set_matrix(&lens->first, n, along, tables);
  set_matrix(&lens->second, n, along, tables + matrix);
  lens->shear_re = tables + 2 * matrix;
  lens->shear_im = lens->shear_re + odev_square_size(g);
  lens->xi = lens->shear_im + odev_square_size(g);
  for (int r = 0; r < n; ++r)
    for (int u = 0; u < n; ++u)
      set_phase(lens->shear_re + r * g.ld + u, lens->shear_im + r * g.ld + u,
                -across * (double)((r - c) * (u - c)) / n);
  for (int r = 0; r < n; ++r) lens->xi[r] = (float)(2.0 * (r - c) / n);
  /* B12 = -across. */
  const double kappa = -two_pi / 4 * n * across;
  lens->terms = terms_for(fabs(kappa));
  double coefficient = 1;
  for (int k = 0; k < lens->terms; coefficient *= kappa / ++k) lens->coefficient[k] = (float)coefficient;
  lens->is_ready = 1;
}
