/* transform.c - encode, expose, decode: the frame path.
 *
 * Each thread takes a run of the schedule and goes through it in blocks small enough for the cache:
 * encode_block -> backend.execute_block -> decode_block, with codes and counts really there.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../core/attempt.h"
#include "schedule.h"
#include "tracked_phase.h"

enum { BLOCK_ITEMS = 8, DIMMER_ON_RETRY = 2 };
static const double DARK = 1e-3;        /* pilot amplitude below which there is no light to speak of */
static const double STALE_AMPLITUDE = 0.1; /* change of the pilot's amplitude that asks for calibration */

/* What one round of a job shares between its threads. */
typedef struct {
  odev_device *device;
  const odev_transform_job *job;
  odev_schedule schedule;
  uint8_t *forced_step; /* per frame of an item: attenuator step of one that is repeated, else 255 */
  uint8_t *used_step;   /* per frame: of its dimmest exposure */
  uint32_t *saturated;  /* per frame: bins of that exposure */
  uint32_t frames_per_item, threads;
  size_t code_bytes, plane_counts_bytes, pixels;
} round_data;

/* One thread's buffers, and what it noted of its block. */
typedef struct {
  char *codes; /* a frame before, then the block's */
  char *counts;
  float *encode;
  void *backend;
  odev_encoded encoded[2 * BLOCK_ITEMS];
  uint8_t step[2 * BLOCK_ITEMS]; /* of a frame's dimmest exposure */
  uint8_t launch_step[2 * BLOCK_ITEMS * ODEV_MAX_EXPOSURES];
  /* Frames lost in the lane, and by how much they and jumps of the clock put the next one off: only where
   * there is one lane, since a backend that loses frames is not concurrent. */
  uint64_t lost, clock_jumps;
  int64_t late_ns;
} lane;

/* How a lane's run of the schedule ended. */
typedef struct {
  odev_attempt attempt; /* the last */
  uint64_t stopped;     /* the first unit that is not whole; the run's end if all are */
  uint64_t frames;      /* up to there and beyond, whole but for `lost` */
  uint64_t lost, clock_jumps;
  int64_t late_ns;
} lane_end;

static int reserve_lanes(const round_data *r, int threads) {
  const size_t frames = (size_t)BLOCK_ITEMS * r->frames_per_item;
  return odev_reserve_lanes(r->device, threads, (frames + 1) * r->code_bytes,
                            frames * r->job->exposures * r->device->caps.reference_steps * r->plane_counts_bytes);
}

static uint8_t brightened(uint8_t step, uint8_t by) { return step > by ? (uint8_t)(step - by) : 0; }

/* One item's one or two frames, to codes; and the attenuator steps of their exposures. */
static void encode_item(const round_data *r, lane *l, int64_t item, size_t slot) {
  const odev_transform_job *job = r->job;
  const odev_codec *codec = &r->device->codec;
  char *codes = l->codes + (slot + 1) * r->code_bytes;
  const size_t at = 2 * r->pixels * (size_t)item;
  const float *operand = job->operand ? job->operand + at : NULL;
  l->encoded[slot] =
      r->device->kernels->encode(codec, job->x + at, operand, job->inverse != 0, codes, l->encode);
  if (job->residual)
    l->encoded[slot + 1] = r->device->kernels->encode_residual(codec, l->encoded[slot], codes,
                                                              codes + r->code_bytes, l->encode);
  for (uint32_t f = 0; f < r->frames_per_item; ++f) {
    const uint8_t forced = r->forced_step[(size_t)item * r->frames_per_item + f];
    const uint8_t step = forced != 255 ? forced : odev_launch_step_for(codec, l->encoded[slot + f].peak);
    l->step[slot + f] = step;
    for (uint32_t e = 0; e < job->exposures; ++e)
      l->launch_step[(slot + f) * job->exposures + e] = brightened(step, job->brighten[e]);
  }
}

static void decode_item(const round_data *r, const lane *l, int64_t item, size_t slot) {
  const odev_transform_job *job = r->job;
  const size_t frame_bytes = job->exposures * r->device->caps.reference_steps * r->plane_counts_bytes;
  for (uint32_t f = 0; f < r->frames_per_item; ++f) {
    const size_t at = (size_t)item * r->frames_per_item + f;
    r->used_step[at] = l->step[slot + f];
    r->saturated[at] = r->device->kernels->decode(
        &r->device->codec, l->counts + (slot + f) * frame_bytes, l->launch_step + (slot + f) * job->exposures,
        (int)job->exposures, l->encoded[slot + f].scale, job->inverse != 0, f > 0,
        job->y + 2 * r->pixels * (size_t)item);
  }
}

static odev_attempt execute(const round_data *r, lane *l, odev_unit *unit, uint32_t frames, uint32_t exposures) {
  odev_device *device = r->device;
  const odev_block block = {.first_frame = unit->first_frame + l->lost,
                            .start_ns = unit->start_ns + l->late_ns,
                            .frames = frames,
                            .exposures = exposures,
                            .reference = ODEV_REFERENCE_STEPS,
                            .laser_on = r->job->laser_on && device->laser_enabled,
                            .exposure_ns = r->job->exposure_ns,
                            .laser_mw = device->laser_mw,
                            .reference_fraction = device->reference_fraction,
                            .codes = l->codes + r->code_bytes,
                            .previous_codes = l->codes,
                            .launch_step = l->launch_step,
                            .counts = l->counts,
                            .scratch = l->backend};
  const uint32_t steps = device->caps.reference_steps;
  const odev_attempt a = odev_attempt_block(device, &block, exposures * steps * r->plane_counts_bytes,
                                            odev_frame_ns(&device->caps, exposures, steps, r->job->exposure_ns));
  l->lost += a.lost;
  l->clock_jumps += a.clock_jumps;
  l->late_ns += a.late_ns;
  return a;
}

static odev_attempt run_pilot(round_data *r, lane *l, odev_unit *unit) {
  const odev_codec *codec = &r->device->codec;
  memcpy(l->codes + r->code_bytes, codec->pilot_codes, r->code_bytes);
  l->launch_step[0] = codec->pilot_launch_step;
  const odev_attempt a = execute(r, l, unit, 1, 1);
  if (a.status == ODEV_OK) r->device->kernels->pilot_gain(codec, l->counts, unit->gain);
  return a;
}

/* The codes of the frame before unit `u`: encode is a pure function, so they are made again. */
static void codes_before(const round_data *r, lane *l, uint64_t u) {
  if (u == 0) {
    memcpy(l->codes, r->device->last_codes, r->code_bytes);
  } else if (r->schedule.units[u - 1].item < 0) {
    memcpy(l->codes, r->device->codec.pilot_codes, r->code_bytes);
  } else {
    encode_item(r, l, r->schedule.units[u - 1].item, 0);
    memmove(l->codes, l->codes + r->frames_per_item * r->code_bytes, r->code_bytes);
  }
}

/* The items from unit `u` on that make a block, encoded; how many. */
static uint64_t encode_block(const round_data *r, lane *l, const odev_unit *unit, uint64_t most) {
  uint64_t items = 0;
  for (; items < most && items < BLOCK_ITEMS && unit[items].item >= 0; ++items)
    encode_item(r, l, unit[items].item, items * r->frames_per_item);
  return items;
}

static lane_end run_units(round_data *r, const odev_lane *buffers, uint64_t begin, uint64_t end) {
  lane l = {.codes = buffers->codes, .counts = buffers->counts, .encode = buffers->encode, .backend = buffers->backend};
  lane_end e = {.stopped = begin};
  if (begin < end) codes_before(r, &l, begin);
  while (e.stopped < end && e.attempt.status == ODEV_OK) {
    if (odev_stop_requested(r->device)) {
      e.attempt = (odev_attempt){.status = ODEV_ERR_CANCELLED};
      break;
    }
    odev_unit *unit = r->schedule.units + e.stopped;
    const int64_t late_ns = l.late_ns;
    uint64_t units = 1, frames = 1;
    if (unit->item < 0) {
      e.attempt = run_pilot(r, &l, unit);
      units = e.attempt.done;
      if (units) unit->start_ns += l.late_ns; /* of the pilot that counts */
    } else {
      const uint64_t items = encode_block(r, &l, unit, end - e.stopped);
      frames = items * r->frames_per_item;
      e.attempt = execute(r, &l, unit, (uint32_t)frames, r->job->exposures);
      units = e.attempt.done / r->frames_per_item;
      for (uint64_t i = 0; i < units; ++i) decode_item(r, &l, unit[i].item, i * r->frames_per_item);
      /* A frame lost among them moves the later ones by milliseconds: nothing to the drift. */
      for (uint64_t i = 0; i < units; ++i) unit[i].start_ns += late_ns;
    }
    const size_t written = e.attempt.done + e.attempt.begun;
    memmove(l.codes, l.codes + (written < frames ? written : frames) * r->code_bytes, r->code_bytes);
    e.stopped += units;
    e.frames += e.attempt.done;
  }
  e.lost = l.lost, e.clock_jumps = l.clock_jumps, e.late_ns = l.late_ns;
  /* Another thread may still need the device's last codes: the new ones wait beside them. */
  if (begin < end && (end == r->schedule.count || !r->device->caps.concurrent))
    memcpy(r->device->last_codes_next, l.codes, r->code_bytes);
  return e;
}

/* The lanes in order, up to the first that failed. */
static lane_end end_of(const lane_end *ends, int threads) {
  lane_end all = {0};
  for (int t = 0; t < threads; ++t) {
    all.attempt = ends[t].attempt;
    all.stopped = ends[t].stopped;
    all.frames += ends[t].frames;
    all.lost += ends[t].lost;
    all.clock_jumps += ends[t].clock_jumps;
    all.late_ns += ends[t].late_ns;
    if (ends[t].attempt.status != ODEV_OK) break;
  }
  return all;
}

/* Leaves off what was not reached: its frames, its pilots, its time.  Of the unit that failed, the first of
 * two frames may be done. */
static void cut_short(const round_data *r, odev_schedule *s, uint64_t stopped, uint64_t frames) {
  const odev_unit *failed = s->units + stopped;
  const uint64_t of_it = frames - (failed->first_frame - r->device->next_frame);
  const odev_caps *caps = &r->device->caps;
  s->end_ns = failed->start_ns + (int64_t)of_it * odev_frame_ns(caps, r->job->exposures, caps->reference_steps,
                                                                r->job->exposure_ns);
  s->frames = frames;
  s->count = stopped;
  s->pilots = 0;
  for (uint64_t u = 0; u < stopped; ++u) {
    s->pilots += s->units[u].item < 0;
    if (s->units[u].pilot_after >= (int64_t)stopped) s->units[u].pilot_after = -1;
  }
}

static void correct_drift(const round_data *r, uint64_t u, odev_pilot_state before) {
  const int64_t item = r->schedule.units[u].item;
  double gain[2];
  odev_schedule_gain(&r->schedule, before, u, gain);
  const double norm = gain[0] * gain[0] + gain[1] * gain[1];
  if (!(norm > DARK * DARK)) return; /* no light: what was measured is noise, and stays it */
  /* A forward transform of conj(x) was taken: its result is the conjugate already. */
  const float re = (float)(gain[0] / norm), im = (float)((r->job->inverse ? gain[1] : -gain[1]) / norm);
  r->device->kernels->turn(r->job->y + 2 * r->pixels * (size_t)item, r->pixels, re, im);
}

static odev_status run_round(round_data *r, const uint32_t *items, uint32_t count, odev_result *result) {
  odev_device *device = r->device;
  if (odev_schedule_init(&r->schedule, device, r->job, items, count))
    return odev_fail(ODEV_ERR_MEMORY, "out of memory for the schedule");
  const uint64_t planned = r->schedule.count;
  const int threads = odev_threads_for(device, r->job->threads, (planned + BLOCK_ITEMS - 1) / BLOCK_ITEMS);
  lane_end *ends = calloc((size_t)threads, sizeof *ends);
  if (!ends || reserve_lanes(r, threads)) {
    free(ends);
    odev_schedule_free(&r->schedule);
    return odev_fail(ODEV_ERR_MEMORY, "out of memory for the threads' blocks");
  }
  memcpy(device->last_codes_next, device->last_codes, r->code_bytes);

#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
  for (int t = 0; t < threads; ++t)
    ends[t] = run_units(r, device->lanes.lane + t, planned * (uint64_t)t / (uint64_t)threads,
                        planned * (uint64_t)(t + 1) / (uint64_t)threads);
  const lane_end e = end_of(ends, threads);
  free(ends);
  const int voided = e.attempt.status == ODEV_ERR_OVER_TEMPERATURE;
  if (!voided && e.attempt.status != ODEV_OK) cut_short(r, &r->schedule, e.stopped, e.frames);
  const uint64_t units = voided ? 0 : r->schedule.count;
  if (units < planned && device->caps.concurrent && !voided) { /* later lanes were ahead: their frames don't count */
    lane l = {.codes = device->lanes.lane[0].codes, .encode = device->lanes.lane[0].encode};
    codes_before(r, &l, units);
    memcpy(device->last_codes_next, l.codes, r->code_bytes);
  }

  const odev_pilot_state before = device->pilot;
  uint64_t last_pilot = units;
  for (uint64_t u = 0; u < units; ++u)
    if (r->schedule.units[u].item < 0) last_pilot = u;
  if (r->job->pilot_period > 0 && (r->schedule.pilots > 0 || before.time_ns >= 0)) {
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (uint64_t u = 0; u < units; ++u)
      if (r->schedule.units[u].item >= 0) correct_drift(r, u, before);
  }

  const uint64_t frames = r->schedule.frames, pilots = r->schedule.pilots;
  const uint64_t planned_end = device->next_frame + frames;
  odev_frames_passed(device, frames + e.lost, r->schedule.end_ns + e.late_ns, voided ? NULL : device->last_codes_next);
  if (!voided && pilots > 0) odev_track_phase(&r->schedule, before, r->job->pilot_max_age_ns, &device->tracked);
  if (last_pilot < units) {
    const odev_unit *unit = r->schedule.units + last_pilot;
    device->pilot = (odev_pilot_state){{unit->gain[0], unit->gain[1]}, unit->start_ns, planned_end - unit->first_frame - 1};
  }
  result->frames += frames;
  result->pilots += pilots;
  result->exposures +=
      device->caps.reference_steps * ((frames - pilots + e.lost) * r->job->exposures + pilots);
  if (voided) result->flags |= ODEV_FLAG_OVER_TEMPERATURE;
  if (!items) result->finished = voided ? 0 : units - pilots;
  odev_note_attempts(device, e.lost, (uint32_t)e.clock_jumps, result);
  r->threads = (uint32_t)threads;
  odev_schedule_free(&r->schedule);
  const odev_status status = e.attempt.status;
  return status == ODEV_OK || status == ODEV_ERR_CANCELLED ? status : odev_fail_attempt(device, &e.attempt);
}

/* Items of which a frame saturated in its dimmest exposure, into `again`; that frame gets a dimmer step. */
static uint32_t collect_saturated(round_data *r, uint32_t *again) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < r->job->items; ++i) {
    int can_dim = 0;
    for (uint32_t f = 0; f < r->frames_per_item; ++f) {
      const size_t at = (size_t)i * r->frames_per_item + f;
      const uint32_t dimmest = r->device->caps.launch_steps - 1;
      const uint32_t dimmer = r->used_step[at] + (r->saturated[at] ? (uint32_t)DIMMER_ON_RETRY : 0u);
      can_dim |= r->saturated[at] && r->used_step[at] < dimmest;
      r->forced_step[at] = (uint8_t)(dimmer < dimmest ? dimmer : dimmest);
    }
    if (can_dim) again[count++] = i;
  }
  return count;
}

static void publish(odev_device *device, const odev_result *result, uint32_t threads) {
  pthread_mutex_lock(&device->lock);
  odev_telemetry_data *c = &device->counters;
  c->threads = threads;
  c->flags = result->flags;
  c->frames = device->next_frame;
  c->device_time_ns = device->clock_ns;
  c->exposures += result->exposures;
  c->pilots += result->pilots;
  c->retries += result->retries;
  c->saturations += result->saturations;
  if (device->pilot.time_ns >= 0) {
    c->drift_phase_rad = atan2(device->pilot.gain[1], device->pilot.gain[0]);
    c->drift_amplitude = hypot(device->pilot.gain[0], device->pilot.gain[1]);
  }
  c->pilot_time_ns = device->pilot.time_ns;
  c->phase_sigma_rad = sqrt(device->tracked.mean_square);
  pthread_mutex_unlock(&device->lock);
}

odev_status odev_transform_task(odev_device *device, const void *argument, odev_result *result) {
  const odev_transform_job *job = argument;
  if (!device->has_codec)
    return odev_fail(ODEV_ERR_CALIBRATION, "no calibration is installed: load one before transforming");
  *result = (odev_result){.struct_size = sizeof *result, .start_ns = device->clock_ns, .end_ns = device->clock_ns};
  const odev_status ready = job->laser_on ? odev_check_interlock(device) : ODEV_OK;
  if (ready != ODEV_OK || job->items == 0) return ready;
  round_data r = {.device = device,
                  .job = job,
                  .frames_per_item = job->residual ? 2 : 1,
                  .code_bytes = odev_code_bytes(&device->caps),
                  .plane_counts_bytes = odev_count_bytes(&device->caps),
                  .pixels = (size_t)device->caps.n * device->caps.n};
  const size_t frames = (size_t)job->items * r.frames_per_item + 1;
  r.forced_step = malloc(frames);
  r.used_step = malloc(frames);
  r.saturated = calloc(frames, sizeof *r.saturated);
  uint32_t *again = malloc(frames * sizeof *again);
  odev_status status = ODEV_OK;
  if (!r.forced_step || !r.used_step || !r.saturated || !again) {
    status = odev_fail(ODEV_ERR_MEMORY, "out of memory for the job's bookkeeping");
  } else {
    memset(r.forced_step, 255, frames);
    status = run_round(&r, NULL, job->items, result);
    for (uint32_t retry = 0; status == ODEV_OK && retry < job->retries; ++retry) {
      const uint32_t count = collect_saturated(&r, again);
      if (!count) break;
      const uint64_t before = result->frames - result->pilots;
      status = run_round(&r, again, count, result);
      result->retries += result->frames - result->pilots - before;
    }
    for (uint32_t i = 0; status == ODEV_OK && i < job->items * r.frames_per_item; ++i) result->saturations += r.saturated[i];
    if (result->saturations) result->flags |= ODEV_FLAG_SATURATED;
    if (device->pilot.time_ns >= 0 &&
        fabs(hypot(device->pilot.gain[0], device->pilot.gain[1]) - 1) > STALE_AMPLITUDE)
      result->flags |= ODEV_FLAG_CALIBRATION_STALE;
    if (status == ODEV_ERR_OVER_TEMPERATURE) {
      result->finished = 0; /* though earlier rounds had measured: the interlock voids the job */
      memset(job->y, 0, 2 * r.pixels * job->items * sizeof *job->y);
    }
    result->end_ns = device->clock_ns;
    publish(device, result, r.threads);
    if (status == ODEV_ERR_CANCELLED) odev_stopped(result->frames, (uint64_t)job->items * r.frames_per_item);
  }
  free(r.forced_step);
  free(r.used_step);
  free(r.saturated);
  free(again);
  return status;
}
