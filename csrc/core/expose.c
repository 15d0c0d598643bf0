/* expose.c - the raw boundary: codes to counts, in blocks. */
#include <string.h>

#include "device.h"
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

static uint32_t frames_of_block(size_t exposure_pixels) {
  return exposure_pixels < BLOCK_PIXELS ? (uint32_t)(BLOCK_PIXELS / exposure_pixels) : 1u;
}

/* Counters after a run of frames, as its result tells of them. */
static void publish(odev_device *device, int threads, const odev_result *result) {
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
  const odev_caps *caps = &device->caps;
  const size_t code_bytes = odev_code_bytes(caps);
  const uint32_t steps = odev_caps_steps(caps, job->reference);
  const size_t frame_bytes = job->exposures * steps * odev_count_bytes(caps);
  const int64_t frame_ns = odev_frame_ns(caps, job->exposures, steps, job->exposure_ns);
  const uint32_t block_frames = frames_of_block((size_t)job->exposures * steps * caps->n * caps->n);
  const int threads = odev_threads_for(device, job->threads, job->frames);
  odev_failure failure = {ODEV_OK, 0, ""};
  uint32_t done = 0; /* frames up to the last that any thread has exposed */
  int stopped = 0;
  if (odev_reserve_lanes(device, threads, 0, 0))
    return odev_fail(ODEV_ERR_MEMORY, "out of memory for the threads' scratch");

#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
  for (int t = 0; t < threads; ++t) {
    const uint32_t begin = (uint32_t)((uint64_t)job->frames * (uint64_t)t / (uint64_t)threads);
    const uint32_t end = (uint32_t)((uint64_t)job->frames * (uint64_t)(t + 1) / (uint64_t)threads);
    uint32_t at = begin;
    odev_status own = ODEV_OK;
    char text[ODEV_MESSAGE_SIZE] = "";
    while (at < end && own == ODEV_OK && !odev_stop_requested(device)) {
      const char *codes = (const char *)job->codes + at * code_bytes;
      const uint32_t frames = end - at < block_frames ? end - at : block_frames;
      const odev_block block = {.first_frame = device->next_frame + at,
                                .start_ns = device->clock_ns + (int64_t)at * frame_ns,
                                .frames = frames,
                                .exposures = job->exposures,
                                .reference = job->reference,
                                .laser_on = job->laser_on && device->laser_enabled,
                                .exposure_ns = job->exposure_ns,
                                .laser_mw = device->laser_mw,
                                .reference_fraction = device->reference_fraction,
                                .codes = codes,
                                .previous_codes = at ? codes - code_bytes : device->last_codes,
                                .launch_step = job->launch_step + (size_t)at * job->exposures,
                                .counts = (char *)job->counts + at * frame_bytes,
                                .scratch = device->lanes.lane[t].backend};
      own = device->backend.execute_block(device->context, &block, text);
      at += frames;
    }
#pragma omp critical(odev_expose_end)
    {
      if (own != ODEV_OK) odev_note_failure(&failure, own, t, text);
      if (at > begin && at > done) done = at;
      stopped |= at < end;
    }
  }
  const int too_hot = failure.status == ODEV_ERR_OVER_TEMPERATURE;
  if (failure.status != ODEV_OK && !too_hot) return odev_fail(failure.status, "%s", failure.message);

  if (too_hot) done = job->frames;
  *result = (odev_result){.struct_size = sizeof *result, .start_ns = device->clock_ns, .frames = done,
                          .exposures = (uint64_t)done * job->exposures * steps,
                          .flags = too_hot ? ODEV_FLAG_OVER_TEMPERATURE : 0};
  if (done)
    odev_frames_passed(device, done, device->clock_ns + (int64_t)done * frame_ns,
                       too_hot ? NULL : (const char *)job->codes + (done - 1) * code_bytes);
  result->end_ns = device->clock_ns;
  publish(device, threads, result);
  if (too_hot) {
    memset(job->counts, 0, job->frames * frame_bytes);
    return odev_fail(failure.status, "%s", failure.message);
  }
  return stopped ? odev_stopped(done, job->frames) : ODEV_OK;
}
