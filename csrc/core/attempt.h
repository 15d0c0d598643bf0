/* attempt.h - a block of frames, with the frames that get lost repeated. */
#ifndef ODEV_ATTEMPT_H
#define ODEV_ATTEMPT_H

#include "device.h"

typedef struct {
  odev_status status;
  odev_report report;   /* of the last attempt */
  uint32_t done;        /* leading frames that are whole */
  uint32_t begun;       /* of the next one: 1 if it was written, so that the heaters remember it */
  uint32_t clock_jumps;
  uint64_t lost;        /* frames exposed in vain */
  int64_t late_ns;      /* by how much the device's time at the end is later than planned */
} odev_attempt;

/* Executes a block, whose frames have so many bytes of counts and take so long.  A lost frame has taken its place in device order and its time: the frames after it
 * come one place and one frame's duration later. */
odev_attempt odev_attempt_block(odev_device *device, const odev_block *block, size_t frame_bytes, int64_t frame_ns);

/* Whether the device refuses light because its laser tripped; ODEV_ERR_INTERLOCK says so. */
odev_status odev_check_interlock(odev_device *device);
/* What a failed attempt does to the device, and the failure as odev_fail reports it. */
odev_status odev_fail_attempt(odev_device *device, const odev_attempt *attempt);
/* Adds to the counters, and forgets the last pilot when the clock jumped. */
void odev_note_attempts(odev_device *device, uint64_t lost, uint32_t clock_jumps, odev_result *result);

#endif
