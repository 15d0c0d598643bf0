/* schedule.h - which frames a transform runs, in device order: items, with pilots between them. */
#ifndef ODEV_SCHEDULE_H
#define ODEV_SCHEDULE_H

#include "../core/device.h"

/* A unit is a pilot frame or the one or two frames of an item. */
typedef struct {
  int64_t item; /* -1: a pilot */
  uint64_t first_frame;
  int64_t start_ns;
  int64_t pilot_before, pilot_after; /* units, -1: none; a pilot's are itself */
  double gain[2];                    /* of a pilot, once measured */
} odev_unit;

typedef struct {
  odev_unit *units;
  uint64_t count, frames, pilots;
  int64_t end_ns;
} odev_schedule;

/* `items`: which of the job's items, in order; null for all of them. */
int odev_schedule_init(odev_schedule *schedule, const odev_device *device, const odev_transform_job *job,
                       const uint32_t *items, uint32_t item_count);
void odev_schedule_free(odev_schedule *schedule);

/* Drift gain at a device time: between two pilots their interpolation, outside them the nearest. */
void odev_schedule_gain(const odev_schedule *schedule, odev_pilot_state before, uint64_t unit, double gain[2]);

#endif
