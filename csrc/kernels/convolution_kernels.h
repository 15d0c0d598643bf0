/* convolution_kernels.h - the inner loops of a convolution's electronic part, one table an instruction
 * set.  host/cut.c, host/spectra.c, host/put.c, host/seams.c and host/kernel_spectra.c call them. */
#ifndef ODEV_CONVOLUTION_KERNELS_H
#define ODEV_CONVOLUTION_KERNELS_H

#include <stddef.h>

#include "bins.h"

enum { ODEV_SEAM_OUTPUTS = 4 };
enum { ODEV_COEFFICIENTS = 6 }; /* of r^i c^j, (i, j) = (0,0) (0,1) (0,2) (1,0) (1,1) (2,0) */

/* A product of spectra, at one block of bins: y[t][o] = sum_i x[t][i] k(i, o), or conj k. */
typedef struct {
  int tiles, inputs, outputs;
  size_t x_tile, y_tile;         /* floats from one tile to the next */
  size_t k_input, k_output;      /* floats from one kernel to the next */
  int conjugate;
} odev_product_shape;

/* A seam's correlation with kernels, at one row (column) of outputs across it.  Steps are in floats. */
typedef struct {
  int inputs, along, taps_along;           /* outputs and taps along the seam */
  int dilation_along;
  size_t input, row;                       /* from a seam's plane and row to the next, dilation of taps included */
  size_t w_output, w_input, w_across, w_along;
} odev_seam_shape;

typedef struct {
  /* Sums of x r^i c^j over a segment, r and c in pixels from its centre.  Rows are padded with zeros to
   * whole vectors. */
  void (*moments)(const float *rows, int pitch, int height, int width, double sums[ODEV_COEFFICIENTS]);
  /* Takes a polynomial off a segment in place. */
  void (*subtract)(float *rows, int pitch, int height, int width, const float coefficients[ODEV_COEFFICIENTS]);
  double (*energy)(const float *x, size_t count);
  float (*largest)(const float *x, size_t count); /* NaN when one is NaN */
  /* a and b (or null for 0), each times its factor, to count interleaved complex numbers. */
  void (*pack)(const float *a, const float *b, float a_factor, float b_factor, size_t count, float *frame);
  /* row[i] (+)= factor * part of z[i] + polynomial at column first + i */
  void (*put_row)(const float *z, int part, int count, float factor, const float polynomial[3], float first,
                  int add, float *row);
  /* A frame's spectrum to the half planes of the one or two real pictures in it. */
  void (*separate)(odev_bins bins, const float *frame, int pictures, const float scale[2], size_t stride, float *a);
  double (*half_plane_energy)(odev_bins bins, const float *a, size_t stride);
  /* And back. */
  void (*join)(odev_bins bins, const float *a, int pictures, const float factor[2], size_t stride, float *frame);
  void (*multiply)(const odev_product_shape *shape, const float *x, const float *k, float *y);
  /* Rows of a kernel's spectrum, sum_k w[k][l] turn_h[k][u]: [l][re, im][ld].  turn_h: [k][re, im][ld]. */
  void (*kernel_rows)(int ld, int taps_h, int taps_w, const float *weight, const float *turn_h, float *rows);
  /* One block of bins of `count` kernels' spectra from their rows: sum_l rows[l] turn_w[l].  The block's
   * turn_w: [l][re, im][16]. */
  void (*kernel_block)(odev_bins bins, int ld, int block, int taps_w, const float *turn_w, const float *rows,
                       size_t count, float *spectra);
  /* One block of bins of `count` kernels' spectra from all their taps: sum_t w[t] turns[t], [t][re, im][16]. */
  void (*kernel_taps)(int taps, const float *turns, const float *weight, size_t count, float *spectra);
  /* sums[k] += (sum_t x[t] conj g[t]) turn[k], at one block of bins; turn and sums: [k][re, im][16]. */
  void (*correlate_taps)(int tiles, const float *x, size_t x_tile, const float *g, size_t g_tile, int taps,
                    const float *turn, float *sums);
  /* Coefficients of the sum over inputs of polynomials correlated with kernels (moments [6][inputs]). */
  void (*carry)(int inputs, const float *polynomials, size_t stride, const float *moments,
                float result[ODEV_COEFFICIENTS]);
  /* sums [outputs][pitch] = sum_itu w[o][i][t][u] seam[i][t][c + u d], t < taps_across; at most
   * ODEV_SEAM_OUTPUTS outputs, whole vectors of 16 outputs along. */
  void (*seam)(const odev_seam_shape *shape, int taps_across, const float *seam, const float *w, int outputs,
               size_t pitch, float *sums);
} odev_convolution_kernels;

#endif
