/* predict_impl.h - how bright a target's transform will be at its brightest, from O(n) statistics of
 * the target alone: what the exposure is chosen by. */
#ifndef ODEV_PREDICT_IMPL_H
#define ODEV_PREDICT_IMPL_H

#include "geometry.h"
#include "simd.h"

/* Strongest over mean bin power of a flat spectrum: ln 4096 = 8.3 is expected, tails reach 14. */
#define CREST_FLAT 11.0
#define CREST_RESIDUAL 20.0
/* The same where stage b is an operand: residuals are then of most pixels, and as sharp as the picture's edges. */
#define CREST_BESIDE_OPERAND 40.0
#define PEAK_FACTOR 1.8
/* Strongest over mean pixel power of a filtered picture less its slow parts. */
#define CREST_IMAGE 20.0

/* Energy and autocorrelations of a target along both axes: what the exposure is predicted from, the latter
 * in one pass over every fourth row.  Sixteen fixed accumulators whatever the vector width, so that the
 * prediction is the same on every path. */
enum { LAGS = 5, ROW_STEP = 4, SUB = ODEV_LANES / W };
static const int lag_of[LAGS] = {1, 2, 4, 8, 16};

/* Lags up to a quarter of the grid: enough pixels must be left to tell them from. */
INLINE int lags_of(odev_geometry g) {
  int lags = 0;
  while (lags < LAGS && 4 * lag_of[lags] <= g.n) ++lags;
  return lags;
}

typedef struct {
  double energy;               /* of the whole frame */
  double across[LAGS], down[LAGS]; /* |autocorrelation|, of that energy */
} target_statistics;

INLINE double sum_lanes(const vf v[SUB]) {
  double total = 0;
  for (int j = 0; j < SUB; ++j)
    for (int i = 0; i < W; ++i) total += (double)v[j][i];
  return total;
}

typedef struct {
  vf re[SUB], im[SUB];
} correlation;

/* sum += x(at) conj(x(at + distance)), conjugated as a whole */
INLINE void correlate(correlation *sum, int j, const float *re, const float *im, int at, int distance) {
  const vf a = vload(re + at), b = vload(im + at);
  const vf x = vload(re + at + distance), y = vload(im + at + distance);
  sum->re[j] = vfma(a, x, vfma(b, y, sum->re[j]));
  sum->im[j] = vfma(b, x, vfnma(a, y, sum->im[j]));
}

INLINE double magnitude(const correlation *sum) {
  const double re = sum_lanes(sum->re), im = sum_lanes(sum->im);
  return __builtin_sqrt(re * re + im * im);
}

INLINE double energy_of(odev_geometry g, const float *re, const float *im) {
  vf energy[SUB];
  for (int j = 0; j < SUB; ++j) energy[j] = vset(0.0f);
  for (int at = 0; at < g.n * g.ld; at += W) {
    const vf a = vload(re + at), b = vload(im + at);
    const int j = at / W % SUB;
    energy[j] = vfma(a, a, vfma(b, b, energy[j]));
  }
  return sum_lanes(energy);
}

/* Of a target whose energy is known. */
INLINE target_statistics statistics_of(odev_geometry g, const float *re, const float *im, double energy) {
  target_statistics s = {.energy = energy};
  correlation across[LAGS], down[LAGS];
  memset(across, 0, sizeof across);
  memset(down, 0, sizeof down);
  const int lags = lags_of(g);
  if (lags == 0 || !(s.energy > 0)) return s;
  /* The last columns have no partner in their row.  (A grid of one vector takes the next row's: better
   * than nothing to look at.) */
  const int rows = g.n - lag_of[lags - 1], columns = g.ld > ODEV_LANES ? g.ld - ODEV_LANES : g.n;
  for (int r = 0; r < rows; r += ROW_STEP)
    for (int c = 0; c < columns; c += ODEV_LANES)
      for (int j = 0; j < SUB; ++j)
        for (int l = 0; l < lags; ++l) {
          const int at = r * g.ld + c + j * W;
          correlate(&across[l], j, re, im, at, lag_of[l]);
          correlate(&down[l], j, re, im, at, lag_of[l] * g.ld);
        }
  /* The pixels that were looked at stand for all n x n. */
  const double share = (double)((rows + ROW_STEP - 1) / ROW_STEP) * columns / ((double)g.n * g.n) * s.energy;
  for (int l = 0; l < lags; ++l) {
    s.across[l] = magnitude(&across[l]) / share;
    s.down[l] = magnitude(&down[l]) / share;
  }
  return s;
}

/* Predicted power of the strongest bin.  A power spectrum is the transform of the autocorrelation, so
 * its peak over its mean is at most the sum of |r| over all lags: the coherent area, here summed by
 * octaves along each axis.  Speckle puts the strongest bin above that; PEAK_FACTOR covers it for seven
 * frames in ten of photographs, of their spectra and of network features, and the rest are repeated
 * with less light.  The total energy is the bound. */
INLINE float predicted_peak(odev_geometry g, target_statistics s, float scale) {
  if (!(s.energy > 0)) return 0.0f;
  const double bins = (double)g.n * (double)g.n;
  double crest = bins;
  const int lags = lags_of(g);
  if (lags > 0) {
    double across = 1, down = 1;
    for (int l = 0, width = 1; l < lags; width = lag_of[l], ++l) {
      across += 2 * width * (s.across[l] < 1 ? s.across[l] : 1);
      down += 2 * width * (s.down[l] < 1 ? s.down[l] : 1);
    }
    crest = PEAK_FACTOR * across * down;
    crest = crest < CREST_FLAT ? CREST_FLAT : crest > bins ? bins : crest;
  }
  return (float)((double)scale * (double)scale * s.energy / bins * crest);
}

/* Power spectrum along one axis of what has a first autocorrelation of r (a chain's, r^lag), mean 1. */
INLINE void line_shape(odev_geometry g, double r, const float *wave, float *shape) {
  const double a = r > 0.98 ? 0.98 : r;
  double sum = 0;
  for (int u = 0; u < g.n; ++u) sum += 1 / (1 - 2 * a * (double)wave[u] + a * a);
  for (int u = 0; u < g.n; ++u) shape[u] = (float)(g.n / sum / (1 - 2 * a * (double)wave[u] + a * a));
}

/* 4f: predicted power of the strongest pixel of an image of which `passed` is the mean power over the frame's. */
INLINE float predicted_image_peak(odev_geometry g, target_statistics s, double passed, float scale) {
  if (!(s.energy > 0)) return 0.0f;
  const double bins = (double)g.n * (double)g.n, crest = bins < CREST_IMAGE ? bins : CREST_IMAGE;
  return (float)((double)scale * (double)scale * s.energy / bins * passed * crest);
}

#endif
