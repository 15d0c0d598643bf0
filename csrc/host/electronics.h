/* electronics.h - what the electronic parts of a convolution share: threads, kernels, checks. */
#ifndef ODEV_ELECTRONICS_H
#define ODEV_ELECTRONICS_H

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../core/error.h"
#include "../kernels/kernels.h"
#include "optical_convolution.h"

/* Threads for so many pieces of work: one once this process has been forked. */
int odev_host_threads(int32_t wanted, uint64_t pieces);

/* The inner loops, or null with the message set. */
const odev_convolution_kernels *odev_host_kernels(void);

odev_status odev_check_tiles(const odev_tiles *tiles, uint32_t batch);
odev_status odev_check_pictures(const odev_pictures *pictures);

#define ODEV_CHECK_JOB(job, type)                                                                           \
  do {                                                                                                      \
    if (!(job) || (job)->struct_size != sizeof(type))                                                       \
      return odev_fail(ODEV_ERR_ARGUMENT, "job: struct_size must be sizeof(" #type ") = %zu", sizeof(type)); \
  } while (0)

/* Rows (columns) that an output reads before those that light carries. */
static inline int64_t odev_lead(uint32_t extent, uint32_t halo) { return (extent - 1 - halo) / 2; }

/* i, at most n before or beyond [0, n), on a tile whose ends meet. */
static inline int64_t odev_around(int64_t i, int64_t n) { return i < 0 ? i + n : i >= n ? i - n : i; }

/* Pictures in a frame, and where picture p is: frame p / that, part p % that. */
static inline uint32_t odev_pictures_a_frame(uint32_t pack) { return pack ? 2 : 1; }

/* RMS of a picture, to be divided by; 1 where there is none that float can divide by: a black picture comes
 * back from the light with noise of 1e-39. */
static inline float odev_rms(double energy, size_t pixels) {
  const double rms = sqrt(energy / (double)pixels);
  return rms >= (double)FLT_MIN ? (float)rms : 1.0f;
}

/* 64-byte aligned, so that vectors do not straddle cache lines; null when there is no more. */
static inline float *odev_floats(size_t count) {
  return aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64 + 64);
}

#endif
