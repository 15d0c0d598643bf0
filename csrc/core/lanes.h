/* lanes.h - what each thread of a job works in, kept by the device from job to job: fresh memory would
 * cost a page fault for every few thousand pixels. */
#ifndef ODEV_LANES_H
#define ODEV_LANES_H

#include <stddef.h>

typedef struct {
  void *codes;   /* of a block, and of the frame before it */
  void *counts;  /* of a block */
  float *encode; /* the encoder's scratch: zero at first, its borders for ever */
  void *backend; /* the backend's scratch: zero at first */
  size_t codes_bytes, counts_bytes;
} odev_lane;

typedef struct {
  odev_lane *lane;
  int count;
} odev_lanes;

/* At least `count` lanes, their codes and counts at least as large as given; the scratches' sizes are the
 * same at every call for one device.  Returns 0, or -1 when memory
 * runs out; the lanes that there are stay usable. */
int odev_lanes_reserve(odev_lanes *lanes, int count, size_t codes_bytes, size_t counts_bytes, size_t encode_bytes,
                       size_t backend_bytes);
void odev_lanes_free(odev_lanes *lanes);

#endif
