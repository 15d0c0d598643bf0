/* kernel_spectra.h - the phase factors of a kernel's taps at the bins of a spectrum. */
#ifndef ODEV_KERNEL_SPECTRA_H
#define ODEV_KERNEL_SPECTRA_H

#include "../kernels/bins.h"

/* cos and sin of 2 pi u k d / n for lane u < lanes of tap k, [taps][re, im][pitch]; bins[lane] < 0: zero. */
void odev_tap_turns(int n, int taps, int dilation, const int *bins, int lanes, int pitch, float *turns);

/* The rows u and columns v of each lane of a block, -1 where it is filled up. */
void odev_block_bins(odev_bins bins, int block, int u[ODEV_BIN_BLOCK], int v[ODEV_BIN_BLOCK]);

#endif
