/* schedule.c - lays out a transform's frames in device order and interpolates its pilots. */
#include "schedule.h"

#include <stdlib.h>

static void add(odev_schedule *s, int64_t item, uint64_t frame, int64_t start_ns) {
  s->units[s->count++] = (odev_unit){.item = item, .first_frame = frame, .start_ns = start_ns, .gain = {1, 0}};
}

int odev_schedule_init(odev_schedule *s, const odev_device *device, const odev_transform_job *job,
                       const uint32_t *items, uint32_t item_count) {
  const int tracking = job->pilot_period > 0 && device->codec.pilot_codes && job->laser_on && device->laser_enabled;
  const uint32_t frames = job->residual ? 2 : 1, steps = device->caps.reference_steps;
  const int64_t pilot_ns = odev_frame_ns(&device->caps, 1, steps, job->exposure_ns);
  const int64_t item_ns = (int64_t)frames * odev_frame_ns(&device->caps, job->exposures, steps, job->exposure_ns);
  *s = (odev_schedule){0};
  s->units = malloc((2 * (size_t)item_count + 1) * sizeof *s->units);
  if (!s->units) return -1;

  uint64_t since = device->pilot.frames_since;
  int due = device->pilot.time_ns < 0 || device->clock_ns - device->pilot.time_ns > job->pilot_max_age_ns;
  int64_t now = device->clock_ns;
  uint64_t frame = device->next_frame;
  for (uint32_t i = 0; i < item_count; ++i) {
    if (tracking && (due || since >= job->pilot_period)) {
      add(s, -1, frame, now);
      ++frame, ++s->pilots;
      now += pilot_ns;
      since = 0, due = 0;
    }
    add(s, items ? (int64_t)items[i] : (int64_t)i, frame, now);
    frame += frames, since += frames;
    now += item_ns;
  }
  int64_t nearest = -1;
  for (int64_t u = 0; u < (int64_t)s->count; ++u) {
    if (s->units[u].item < 0) nearest = u;
    s->units[u].pilot_before = nearest;
  }
  nearest = -1;
  for (int64_t u = (int64_t)s->count - 1; u >= 0; --u) {
    if (s->units[u].item < 0) nearest = u;
    s->units[u].pilot_after = nearest;
  }
  s->frames = frame - device->next_frame;
  s->end_ns = now;
  return 0;
}

void odev_schedule_free(odev_schedule *s) {
  free(s->units);
  s->units = NULL;
}

void odev_schedule_gain(const odev_schedule *s, odev_pilot_state before, uint64_t unit, double gain[2]) {
  const odev_unit *own = s->units + unit;
  const odev_unit *left = own->pilot_before >= 0 ? s->units + own->pilot_before : NULL;
  const odev_unit *right = own->pilot_after >= 0 ? s->units + own->pilot_after : NULL;
  const double *from = left ? left->gain : before.time_ns >= 0 ? before.gain : right ? right->gain : NULL;
  const double *to = right ? right->gain : from;
  gain[0] = 1, gain[1] = 0;
  if (!from) return;
  const int64_t from_ns = left ? left->start_ns : before.time_ns;
  double share = 0;
  if (right && (left || before.time_ns >= 0))
    share = (double)(s->units[unit].start_ns - from_ns) / (double)(right->start_ns - from_ns);
  for (int part = 0; part < 2; ++part) gain[part] = from[part] + share * (to[part] - from[part]);
}
