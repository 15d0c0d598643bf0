/* tracked_phase.c - how far the phase strays between pilots, from the pilots alone. */
#include "tracked_phase.h"

#include <math.h>

/* Angle of a against b. */
static double phase_between(const double a[2], const double b[2]) {
  return atan2(a[1] * b[0] - a[0] * b[1], a[0] * b[0] + a[1] * b[1]);
}

static void note_error(odev_tracked_phase *tracked, double error) {
  enum { REMEMBERED = 16 };
  tracked->count = fmin(tracked->count + 1, REMEMBERED);
  tracked->mean_square += (error * error - tracked->mean_square) / tracked->count;
}

/* What the round's pilots say of the phase between pilots.  Of three in a row, the middle one's distance from
 * the straight line between the others holds the noise of all, 3/2 of one's variance, and the bend over twice
 * the time: 2/3 of it stands for a frame in between (right for noise and random walks, cautious for smooth
 * bends).  Of two, all that is known is how far the phase went. */
void odev_track_phase(const odev_schedule *s, odev_pilot_state before, int64_t max_age_ns, odev_tracked_phase *tracked) {
  const double *gain[2] = {NULL, before.time_ns >= 0 ? before.gain : NULL};
  int64_t time[2] = {0, before.time_ns};
  int pairs = 0, triples = 0;
  double step = 0;
  for (uint64_t u = 0; u < s->count; ++u) {
    const odev_unit *unit = s->units + u;
    if (unit->item >= 0) continue;
    /* Behind a pause the phase may be anywhere, and nothing was measured meanwhile. */
    if (gain[1] == before.gain && unit->start_ns - time[1] > max_age_ns) gain[1] = NULL;
    if (gain[1]) step = phase_between(unit->gain, gain[1]), ++pairs;
    if (gain[0] && gain[1]) {
      const double share = (double)(time[1] - time[0]) / (double)(unit->start_ns - time[0]);
      note_error(tracked, 2.0 / 3.0 * (phase_between(gain[1], gain[0]) - share * phase_between(unit->gain, gain[0])));
      ++triples;
    }
    gain[0] = gain[1], time[0] = time[1];
    gain[1] = unit->gain, time[1] = unit->start_ns;
  }
  if (pairs && !triples) note_error(tracked, step / sqrt(3.0));
}
