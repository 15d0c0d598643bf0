/* slow_lens.h - the lens seen by a camera that is rotated and magnified about the axis.
 *
 * The camera's pixel u sees the frequency B (u - c), B = scale [[cos a, -sin a], [sin a, cos a]].  Along
 * each axis a dense matrix does its B11 and B22 exactly, a factor between them one shear exactly, and the
 * other shear is the series of an exponential, whose remainder is below 2^-24:
 *
 *     F'(u) = sum_k (-i kappa)^k / k! eta2^k  sum_{r2} E22 m  sum_{r1} E11 xi1^k z,
 *     xi = 2 (r - c) / N,  eta = 2 (u - c) / N,  kappa = pi N B12 / 2.
 *
 * Both matrices carry the phases that make F' the plain transform at B = 1.
 */
#ifndef ODEV_SLOW_LENS_H
#define ODEV_SLOW_LENS_H

#include "fft.h"

enum { ODEV_SHEAR_TERMS = 40 };

typedef struct {
  int is_ready;
  double scale, rotation_rad;    /* what the tables are for */
  int terms;
  float coefficient[ODEV_SHEAR_TERMS]; /* kappa^k / k! */
  odev_fft_plan first, second;   /* dense plans: E11 and E22, [out][in] */
  float *shear_re, *shear_im;    /* e^{-2 pi i x2 B21 y1 / N}, [x2][y1], rows of ld */
  float *xi;                     /* [ld] */
  int n;
} odev_slow_lens;

/* Floats that the tables take, and that one transform works in. */
size_t odev_slow_lens_tables_size(int n);
size_t odev_slow_lens_scratch_size(int n);

/* Tables for a scale and a rotation, unless they are there already; `tables` as sized above. */
void odev_slow_lens_prepare(odev_slow_lens *lens, int n, double scale, double rotation_rad, float *tables);

#endif
