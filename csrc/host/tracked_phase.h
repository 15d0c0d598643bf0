/* tracked_phase.h - how far the phase strays from what the pilots say of it. */
#ifndef ODEV_TRACKED_PHASE_H
#define ODEV_TRACKED_PHASE_H

#include "schedule.h"

/* Notes what a round's pilots, as measured, say of the phase between them; `before` is the last pilot of the
 * rounds before, which counts unless it is older than `max_age_ns`. */
void odev_track_phase(const odev_schedule *schedule, odev_pilot_state before, int64_t max_age_ns,
                      odev_tracked_phase *tracked);

#endif
