/* transform.c - encode, expose, decode: the frame path.
 *
 * Each thread takes a run of the schedule and goes through it in blocks small enough for the cache:
 * encode_block -> backend.execute_block -> decode_block, with codes and counts really there.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../core/device.h"
#include "../core/error.h"
#include "schedule.h"

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
  uint64_t done; /* units up to the last that any thread has exposed */
  int stopped;   /* a thread ended before its units did */
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
} lane;

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

static odev_status execute(const round_data *r, const lane *l, const odev_unit *unit, uint32_t frames,
                           uint32_t exposures, char *message) {
  const odev_device *device = r->device;
  const odev_block block = {.first_frame = unit->first_frame,
                            .start_ns = unit->start_ns,
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
  return device->backend.execute_block(device->context, &block, message);
}

static odev_status run_pilot(round_data *r, lane *l, odev_unit *unit, char *message) {
  const odev_codec *codec = &r->device->codec;
  memcpy(l->codes + r->code_bytes, codec->pilot_codes, r->code_bytes);
  l->launch_step[0] = codec->pilot_launch_step;
  const odev_status status = execute(r, l, unit, 1, 1, message);
  if (status == ODEV_OK) r->device->kernels->pilot_gain(codec, l->counts, unit->gain);
  return status;
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

/* Units `begin` up to `end`, or until a stop is asked for. */
static odev_status run_units(round_data *r, const odev_lane *buffers, uint64_t begin, uint64_t end,
                             char *message) {
  uint64_t u = begin;
  lane l = {.codes = buffers->codes, .counts = buffers->counts, .encode = buffers->encode, .backend = buffers->backend};
  odev_status status = ODEV_OK;
  if (u < end) codes_before(r, &l, u);
  while (u < end && status == ODEV_OK && !odev_stop_requested(r->device)) {
    odev_unit *unit = r->schedule.units + u;
    size_t frames = 1;
    if (unit->item < 0) {
      status = run_pilot(r, &l, unit, message);
      ++u;
    } else {
      uint64_t items = 0;
      for (; u + items < end && items < BLOCK_ITEMS && unit[items].item >= 0; ++items)
        encode_item(r, &l, unit[items].item, items * r->frames_per_item);
      frames = items * r->frames_per_item;
      status = execute(r, &l, unit, (uint32_t)frames, r->job->exposures, message);
      for (uint64_t i = 0; i < items && status == ODEV_OK; ++i)
        decode_item(r, &l, unit[i].item, i * r->frames_per_item);
      u += items;
    }
    memcpy(l.codes, l.codes + frames * r->code_bytes, r->code_bytes);
  }
#pragma omp critical(odev_transform_end)
  {
    r->stopped |= u < end;
    if (u > begin && u > r->done) {
      r->done = u;
      /* Another thread may still need the device's last codes: the new ones wait beside them. */
      memcpy(r->device->last_codes_next, l.codes, r->code_bytes);
    }
  }
  return status;
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
static void track_phase(const round_data *r, odev_pilot_state before, odev_tracked_phase *tracked) {
  const odev_schedule *s = &r->schedule;
  const double *gain[2] = {NULL, before.time_ns >= 0 ? before.gain : NULL};
  int64_t time[2] = {0, before.time_ns};
  int pairs = 0, triples = 0;
  double step = 0;
  for (uint64_t u = 0; u < s->count; ++u) {
    const odev_unit *unit = s->units + u;
    if (unit->item >= 0) continue;
    /* Behind a pause the phase may be anywhere, and nothing was measured meanwhile. */
    if (gain[1] == before.gain && unit->start_ns - time[1] > r->job->pilot_max_age_ns) gain[1] = NULL;
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

/* Units up to `done` are over, whatever came of them; `codes` is what the heaters hold now. */
static void round_passed(round_data *r, uint64_t done, const void *codes, odev_result *result) {
  const odev_schedule *s = &r->schedule;
  const int whole = done == s->count;
  const uint64_t frames = whole ? s->frames : s->units[done].first_frame - r->device->next_frame;
  uint64_t pilots = 0;
  for (uint64_t u = 0; u < done; ++u) pilots += s->units[u].item < 0;
  odev_frames_passed(r->device, frames, whole ? s->end_ns : s->units[done].start_ns, codes);
  result->frames += frames;
  result->pilots += pilots;
  result->exposures += r->device->caps.reference_steps * ((frames - pilots) * r->job->exposures + pilots);
}

static odev_status run_round(round_data *r, const uint32_t *items, uint32_t count, odev_result *result) {
  odev_device *device = r->device;
  if (odev_schedule_init(&r->schedule, device, r->job, items, count))
    return odev_fail(ODEV_ERR_MEMORY, "out of memory for the schedule");
  const uint64_t units = r->schedule.count;
  r->done = 0;
  const int threads = odev_threads_for(device, r->job->threads, (units + BLOCK_ITEMS - 1) / BLOCK_ITEMS);
  odev_failure failure = {ODEV_OK, 0, ""};
  if (reserve_lanes(r, threads)) {
    odev_schedule_free(&r->schedule);
    return odev_fail(ODEV_ERR_MEMORY, "out of memory for the threads' blocks");
  }

#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
  for (int t = 0; t < threads; ++t) {
    char text[ODEV_MESSAGE_SIZE] = "";
    const odev_status own = run_units(r, device->lanes.lane + t, units * (uint64_t)t / (uint64_t)threads,
                                      units * (uint64_t)(t + 1) / (uint64_t)threads, text);
    if (own != ODEV_OK) {
#pragma omp critical(odev_transform_failure)
      odev_note_failure(&failure, own, t, text);
    }
  }
  r->threads = (uint32_t)threads;
  if (failure.status != ODEV_OK) {
    if (failure.status == ODEV_ERR_OVER_TEMPERATURE) round_passed(r, units, NULL, result);
    odev_schedule_free(&r->schedule);
    return odev_fail(failure.status, "%s", failure.message);
  }

  if (r->stopped) {
    if (r->done) round_passed(r, r->done, device->last_codes_next, result);
    odev_schedule_free(&r->schedule);
    return ODEV_OK;
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

  round_passed(r, units, device->last_codes_next, result);
  if (r->schedule.pilots > 0) track_phase(r, before, &device->tracked);
  if (last_pilot < units) {
    const odev_unit *unit = r->schedule.units + last_pilot;
    device->pilot = (odev_pilot_state){{unit->gain[0], unit->gain[1]}, unit->start_ns,
                                       device->next_frame - unit->first_frame - 1};
  }
  odev_schedule_free(&r->schedule);
  return ODEV_OK;
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
  if (job->items == 0) return ODEV_OK;
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
    for (uint32_t retry = 0; status == ODEV_OK && !r.stopped && retry < job->retries; ++retry) {
      const uint32_t count = collect_saturated(&r, again);
      if (!count) break;
      const uint64_t before = result->frames - result->pilots;
      status = run_round(&r, again, count, result);
      result->retries += result->frames - result->pilots - before;
    }
    for (uint32_t i = 0; status == ODEV_OK && !r.stopped && i < job->items * r.frames_per_item; ++i) result->saturations += r.saturated[i];
    if (result->saturations) result->flags |= ODEV_FLAG_SATURATED;
    if (device->pilot.time_ns >= 0 &&
        fabs(hypot(device->pilot.gain[0], device->pilot.gain[1]) - 1) > STALE_AMPLITUDE)
      result->flags |= ODEV_FLAG_CALIBRATION_STALE;
    if (status == ODEV_ERR_OVER_TEMPERATURE) {
      result->flags |= ODEV_FLAG_OVER_TEMPERATURE;
      memset(job->y, 0, 2 * r.pixels * job->items * sizeof *job->y);
    }
    result->end_ns = device->clock_ns;
    publish(device, result, r.threads);
    if (status == ODEV_OK && r.stopped) status = odev_stopped(result->frames, (uint64_t)job->items * r.frames_per_item);
  }
  free(r.forced_step);
  free(r.used_step);
  free(r.saturated);
  free(again);
  return status;
}
