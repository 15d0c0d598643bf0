/* bins.h - the order in which the half plane of a real picture's spectrum lies in memory.
 *
 * A real picture's spectrum is Hermitian, so columns v = 0 .. N/2 of it tell all.  They lie in blocks
 * of 16 bins, real parts before imaginary ones: first the whole runs of 16 columns, row by row; then
 * what is left of every row (the column N/2 alone, for a power of two), column by column, the last
 * block filled up with zeros.
 */
#ifndef ODEV_BINS_H
#define ODEV_BINS_H

#include <stddef.h>

enum { ODEV_BIN_BLOCK = 16, ODEV_BLOCK_FLOATS = 2 * ODEV_BIN_BLOCK };

typedef struct {
  int n, half;      /* rows, and columns of the half plane */
  int runs;         /* whole blocks in a row */
  int rest;         /* columns left over */
  int whole, count; /* blocks that are runs of a row, and all of them */
} odev_bins;

static inline odev_bins odev_bins_of(int n) {
  odev_bins b = {.n = n, .half = n / 2 + 1};
  b.runs = b.half / ODEV_BIN_BLOCK;
  b.rest = b.half % ODEV_BIN_BLOCK;
  b.whole = n * b.runs;
  b.count = b.whole + (b.rest * n + ODEV_BIN_BLOCK - 1) / ODEV_BIN_BLOCK;
  return b;
}

/* Bin `lane` of one of the last blocks; 0 where that block is filled up. */
static inline int odev_rest_bin(odev_bins b, int block, int lane, int *u, int *v) {
  const int at = (block - b.whole) * ODEV_BIN_BLOCK + lane;
  *u = at % b.n;
  *v = b.runs * ODEV_BIN_BLOCK + at / b.n;
  return at < b.rest * b.n;
}

/* Every bin of the half plane but those of columns 0 and (N even) N/2 stands for two of the plane. */
static inline float odev_bin_weight(odev_bins b, int v) { return v == 0 || 2 * v == b.n ? 1.0f : 2.0f; }

#endif
