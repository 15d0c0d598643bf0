/* expose.c - the raw boundary: codes to counts, in blocks. */
#include <string.h>

#include "attempt.h"
#include "error.h"

/* Codes beyond the DAC's range would drive a heater beyond its own. */
static odev_status check_codes(const odev_caps *caps, const odev_expose_job *job) {
  const size_t count = (size_t)job->frames * 4 * caps->n * caps->n;
  if (caps->dac_bits) {
    const uint16_t *codes = job->codes;
    uint16_t most = 0;
    for (size_t i = 0; i < count; ++i) most = codes[i] > most ? codes[i] : most;
    if (most >> caps->dac_bits)
      return odev_fail(ODEV_ERR_ARGUMENT, "codes reach %u; %u bits hold %u", (unsigned)most, caps->dac_bits,
                       (1u << caps->dac_bits) - 1u);
  } else {
    const float *codes = job->codes;
    int outside = 0;
    for (size_t i = 0; i < count; ++i) outside |= !(codes[i] >= 0.0f && codes[i] <= 1.0f);
    if (outside) return odev_fail(ODEV_ERR_ARGUMENT, "codes must lie within [0, 1]");
  }
  return ODEV_OK;
}

odev_status odev_check_expose(const odev_device *device, const odev_expose_job *job) {
  const odev_status usable = odev_check_device(device);
  if (usable != ODEV_OK) return usable;
  if (!job || job->struct_size != sizeof *job)
    return odev_fail(ODEV_ERR_ARGUMENT, "job: struct_size must be sizeof(odev_expose_job) = %zu", sizeof *job);
  if (!job->codes || !job->launch_step || !job->counts)
    return odev_fail(ODEV_ERR_ARGUMENT, "codes, launch_step and counts must not be null");
  if (job->exposures < 1 || job->exposures > 255)
    return odev_fail(ODEV_ERR_ARGUMENT, "exposures a frame must be 1 to 255, not %u", job->exposures);
  if (job->reference > ODEV_REFERENCE_ONLY)
    return odev_fail(ODEV_ERR_ARGUMENT, "reference must be off (0), steps (1) or only (2), not %u", job->reference);
  if (job->exposure_ns < device->caps.exposure_min_ns || job->exposure_ns > device->caps.exposure_max_ns)
    return odev_fail(ODEV_ERR_ARGUMENT, "exposure must be %g to %g us, not %g us",
                     (double)device->caps.exposure_min_ns * 1e-3, (double)device->caps.exposure_max_ns * 1e-3,
                     (double)job->exposure_ns * 1e-3);
  for (size_t i = 0; i < (size_t)job->frames * job->exposures; ++i)
    if (job->launch_step[i] >= device->caps.launch_steps)
      return odev_fail(ODEV_ERR_ARGUMENT, "launch_step must be below %u, not %u", device->caps.launch_steps,
                       (unsigned)job->launch_step[i]);
  if (device->caps.reference_steps == 1 && job->reference != ODEV_REFERENCE_OFF)
    return odev_fail(ODEV_ERR_CAPABILITY, "this device has no reference: expose with reference off (0)");
  return check_codes(&device->caps, job);
}

/* Pixels of exposures between two looks at the stop flag: some milliseconds of an emulator. */
enum { BLOCK_PIXELS = 1 << 19 };

/* What a job is in frames. */
typedef struct {
  uint32_t steps, block_frames;
  size_t code_bytes, counts_bytes; /* of a frame */
  int64_t ns;
} frame_size;

static frame_size size_of(const odev_caps *caps, const odev_expose_job *job) {
  const uint32_t steps = odev_caps_steps(caps, job->reference);
  const size_t pixels = (size_t)job->exposures * steps * caps->n * caps->n;
  return (frame_size){.steps = steps,
                      .block_frames = pixels < BLOCK_PIXELS ? (uint32_t)(BLOCK_PIXELS / pixels) : 1u,
                      .code_bytes = odev_code_bytes(caps),
                      .counts_bytes = job->exposures * steps * odev_count_bytes(caps),
                      .ns = odev_frame_ns(caps, job->exposures, steps, job->exposure_ns)};
}

/* Frames `begin` to `end`, block by block, up to the first that fails or a stop. */
static odev_attempt run_lane(odev_device *device, const odev_expose_job *job, const frame_size *size, uint32_t begin,
                             uint32_t end, void *scratch) {
  odev_attempt all = {.status = ODEV_OK};
  while (begin + all.done < end && all.status == ODEV_OK) {
    if (odev_stop_requested(device)) {
      all.status = ODEV_ERR_CANCELLED;
      break;
    }
    const uint32_t at = begin + all.done, left = end - at;
    const char *codes = (const char *)job->codes + at * size->code_bytes;
    const odev_block block = {.first_frame = device->next_frame + at + all.lost,
                              .start_ns = device->clock_ns + (int64_t)at * size->ns + all.late_ns,
                              .frames = left < size->block_frames ? left : size->block_frames,
                              .exposures = job->exposures,
                              .reference = job->reference,
                              .laser_on = job->laser_on && device->laser_enabled,
                              .exposure_ns = job->exposure_ns,
                              .laser_mw = device->laser_mw,
                              .reference_fraction = device->reference_fraction,
                              .codes = codes,
                              .previous_codes = at ? codes - size->code_bytes : device->last_codes,
                              .launch_step = job->launch_step + (size_t)at * job->exposures,
                              .counts = (char *)job->counts + at * size->counts_bytes,
                              .scratch = scratch};
    odev_attempt a = odev_attempt_block(device, &block, size->counts_bytes, size->ns);
    a.done += all.done;
    a.lost += all.lost;
    a.late_ns += all.late_ns;
    a.clock_jumps += all.clock_jumps;
    all = a;
  }
  return all;
}

/* Time passes and heaters remember, whether the job ended well or not. */
static void advance(odev_device *device, const odev_expose_job *job, const odev_attempt *e, const frame_size *size) {
  const uint32_t written = e->done + e->begun;
  if (e->status == ODEV_ERR_OVER_TEMPERATURE) {
    odev_frames_passed(device, job->frames, device->clock_ns + (int64_t)job->frames * size->ns, NULL);
  } else {
    const void *last = written ? (const char *)job->codes + (written - 1) * size->code_bytes : device->last_codes;
    odev_frames_passed(device, e->done + e->lost, device->clock_ns + (int64_t)e->done * size->ns + e->late_ns, last);
  }
}

/* Counters and the result, of a job that ended so. */
static void publish(odev_device *device, const odev_expose_job *job, const odev_attempt *e, const frame_size *size,
                    int threads, odev_result *result) {
  const int voided = e->status == ODEV_ERR_OVER_TEMPERATURE;
  if (voided) memset(job->counts, 0, job->frames * size->counts_bytes);
  result->frames = voided ? job->frames : e->done;
  result->finished = voided ? 0 : e->done;
  result->exposures = (result->frames + e->lost) * job->exposures * size->steps;
  result->flags = voided ? ODEV_FLAG_OVER_TEMPERATURE : 0;
  result->end_ns = device->clock_ns;
  odev_note_attempts(device, e->lost, e->clock_jumps, result);
  pthread_mutex_lock(&device->lock);
  device->counters.frames = device->next_frame;
  device->counters.device_time_ns = device->clock_ns;
  device->counters.exposures += result->exposures;
  device->counters.threads = (uint32_t)threads;
  device->counters.flags = result->flags;
  pthread_mutex_unlock(&device->lock);
}

odev_status odev_expose_task(odev_device *device, const void *argument, odev_result *result) {
  const odev_expose_job *job = argument;
  const frame_size size = size_of(&device->caps, job);
  const int threads = odev_threads_for(device, job->threads, job->frames);
  *result = (odev_result){.struct_size = sizeof *result, .start_ns = device->clock_ns, .end_ns = device->clock_ns};
  const odev_status ready = job->laser_on ? odev_check_interlock(device) : ODEV_OK;
  if (ready != ODEV_OK || !job->frames) return ready;
  if (odev_reserve_lanes(device, threads, 0, 0))
    return odev_fail(ODEV_ERR_MEMORY, "out of memory for the threads' scratch");

  /* Frames are whole up to the first lane that fails.  Lanes that lose frames or time are alone. */
  odev_attempt e = {.status = ODEV_OK, .done = job->frames};
  int failed = threads;
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
  for (int t = 0; t < threads; ++t) {
    const uint32_t begin = (uint32_t)((uint64_t)job->frames * (uint64_t)t / (uint64_t)threads);
    const uint32_t end = (uint32_t)((uint64_t)job->frames * (uint64_t)(t + 1) / (uint64_t)threads);
    odev_attempt own = run_lane(device, job, &size, begin, end, device->lanes.lane[t].backend);
    own.done += begin;
#pragma omp critical(odev_expose_end)
    if (t < failed && (own.status != ODEV_OK || threads == 1)) {
      failed = t;
      e = own;
    }
  }
  advance(device, job, &e, &size);
  publish(device, job, &e, &size, threads, result);
  if (e.status == ODEV_OK) return ODEV_OK;
  return e.status == ODEV_ERR_CANCELLED ? odev_stopped(e.done, job->frames) : odev_fail_attempt(device, &e);
}
