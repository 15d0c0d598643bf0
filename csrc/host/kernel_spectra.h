/* kernel_spectra.h - the phase factors of a kernel's taps at the bins of a spectrum. */
#ifndef ODEV_KERNEL_SPECTRA_H
#define ODEV_KERNEL_SPECTRA_H

#include "../kernels/bins.h"
#include "../kernels/geometry.h"
#include "optical_convolution.h"

/* cos and sin of 2 pi u k d / n for lane u < lanes of tap k, [taps][re, im][pitch]; bins[lane] < 0: zero. */
void odev_tap_turns(int n, int taps, int dilation, const int *bins, int lanes, int pitch, float *turns);

/* The rows u and columns v of each lane of a block, -1 where it is filled up. */
void odev_block_bins(odev_bins bins, int block, int u[ODEV_BIN_BLOCK], int v[ODEV_BIN_BLOCK]);

/* Of kernels of few taps: where each tap stands in the turn of n, by row and by column, and that turn. */
typedef struct {
  int n, taps_rows, taps_columns;
  int rows[ODEV_FORMED_TAPS][ODEV_MAX_N], columns[ODEV_FORMED_TAPS][ODEV_MAX_N];
  float cosine[ODEV_MAX_N], sine[ODEV_MAX_N];
} odev_tap_circle;

void odev_tap_circle_init(odev_tap_circle *circle, int n, int taps_rows, int taps_columns, int dilation_rows,
                          int dilation_columns);

/* The factors of all taps at one block of bins, [tap][re, im][16]; 0 where the block is filled up. */
void odev_tap_circle_turns(const odev_tap_circle *circle, odev_bins bins, int block, float *turns);

#endif
