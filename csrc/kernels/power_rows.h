/* power_rows.h - the few rows of heater powers that a frame's heat is worked out from.
 *
 * Heat reaches two rows to either side, so a pass over the frame needs five rows of each heater at a time:
 * they go round in a ring that stays in the first-level cache.  Rows have zero margins of 16 floats, which
 * neighbours outside the chip read, as rows outside it read `outside`.
 */
#ifndef ODEV_POWER_ROWS_H
#define ODEV_POWER_ROWS_H

#include "geometry.h"

enum { ODEV_RING_ROWS = 8, ODEV_RING_REACH = 2, ODEV_ROW_SUMS = 2 * 3 * ODEV_LANES };

typedef struct {
  float *ring;    /* [4][ODEV_RING_ROWS][pitch]: first row of the first heater, behind its margin */
  float *outside; /* a row of zeros, behind its margin */
  float *sums;    /* [n][ODEV_ROW_SUMS]: of each row of the frame, by chip and mode of the columns */
  int pitch;
} odev_power_rows;

static inline size_t odev_power_rows_size(odev_geometry g) {
  return (4 * ODEV_RING_ROWS + 1) * (size_t)g.pitch + ODEV_LANES + (size_t)g.n * ODEV_ROW_SUMS;
}

/* `memory` is zero at first, and nothing else writes there. */
static inline odev_power_rows odev_power_rows_of(odev_geometry g, float *memory) {
  const size_t rows = 4 * ODEV_RING_ROWS * (size_t)g.pitch;
  float *const outside = memory + ODEV_LANES + rows;
  return (odev_power_rows){memory + ODEV_LANES, outside, outside + g.pitch, g.pitch};
}

static inline float *odev_power_row(odev_power_rows p, int heater, int r) {
  return p.ring + (size_t)(heater * ODEV_RING_ROWS + (r & (ODEV_RING_ROWS - 1))) * (size_t)p.pitch;
}

#endif
