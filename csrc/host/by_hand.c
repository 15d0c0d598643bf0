/* by_hand.c - calibration, encode and decode called by hand, and the checks of a job's targets. */
#include <stdlib.h>
#include <string.h>

#include "../core/device.h"
#include "../core/error.h"
#include "electronics.h"

/* The index of the first number that is NaN or infinite, or count. */
static size_t first_nonfinite(const odev_kernels *kernels, const float *x, size_t count) {
  enum { CHUNK = 4096 };
  for (size_t begin = 0; begin < count; begin += CHUNK) {
    const size_t end = begin + CHUNK < count ? begin + CHUNK : count;
    const float largest = kernels->convolution.largest(x + begin, end - begin);
    if (largest == largest) continue;
    for (size_t i = begin; i < end; ++i)
      if (!__builtin_isfinite(x[i])) return i;
  }
  return count;
}

static odev_status check_targets(const odev_device *device, const float *x, uint32_t items, int32_t threads,
                                 const char *name) {
  enum { ITEMS_A_THREAD = 8 };
  const size_t frame = 2 * (size_t)device->caps.n * device->caps.n;
  const int shares = odev_host_threads(threads, items / ITEMS_A_THREAD);
  size_t at = items * frame;
#pragma omp parallel for num_threads(shares) schedule(static) reduction(min : at) if (shares > 1)
  for (int t = 0; t < shares; ++t) {
    const size_t begin = frame * (items * (size_t)t / (size_t)shares);
    const size_t count = frame * (items * (size_t)(t + 1) / (size_t)shares) - begin;
    const size_t bad = first_nonfinite(device->kernels, x + begin, count);
    if (bad < count && begin + bad < at) at = begin + bad;
  }
  if (at == items * frame) return ODEV_OK;
  return odev_fail(ODEV_ERR_NONFINITE, "%s[%zu] holds NaN or infinity at pixel (%zu, %zu)", name, at / frame,
                   at % frame / 2 / device->caps.n, at / 2 % device->caps.n);
}

/* Decoding is for a camera with a reference. */
static odev_status check_codec(const odev_device *device) {
  if (device->caps.reference_steps == 1)
    return odev_fail(ODEV_ERR_CAPABILITY, "this device has no reference: it has no phase to transform with");
  return ODEV_OK;
}

static odev_status check_operand(const odev_device *device, const float *operand) {
  if (device->caps.layout == ODEV_LAYOUT_4F && !operand)
    return odev_fail(ODEV_ERR_CAPABILITY, "a 4f device has a lens between its stages, F(b F(x)): it takes an operand b");
  return ODEV_OK;
}

odev_status odev_check_transform(const odev_device *device, const odev_transform_job *job) {
  const odev_status usable = odev_check_device(device);
  if (usable != ODEV_OK) return usable;
  if (!job || job->struct_size != sizeof *job)
    return odev_fail(ODEV_ERR_ARGUMENT, "job: struct_size must be sizeof(odev_transform_job) = %zu", sizeof *job);
  odev_status able = check_codec(device);
  if (able == ODEV_OK) able = check_operand(device, job->operand);
  if (able != ODEV_OK) return able;
  if (!job->x || !job->y) return odev_fail(ODEV_ERR_ARGUMENT, "x and y must not be null");
  if (job->exposures < 1 || job->exposures > ODEV_MAX_EXPOSURES)
    return odev_fail(ODEV_ERR_ARGUMENT, "exposures a frame must be 1 to %d, not %u", ODEV_MAX_EXPOSURES,
                     job->exposures);
  if (job->brighten[0] != 0) return odev_fail(ODEV_ERR_ARGUMENT, "exposure 0 is the dimmest: brighten[0] must be 0");
  if (job->residual && job->operand)
    return odev_fail(ODEV_ERR_CAPABILITY, "a residual frame needs both stages: it cannot go with an operand");
  if (job->exposure_ns < device->caps.exposure_min_ns || job->exposure_ns > device->caps.exposure_max_ns)
    return odev_fail(ODEV_ERR_ARGUMENT, "exposure must be %g to %g us, not %g us",
                     (double)device->caps.exposure_min_ns * 1e-3, (double)device->caps.exposure_max_ns * 1e-3,
                     (double)job->exposure_ns * 1e-3);
  const odev_status finite = check_targets(device, job->x, job->items, job->threads, "x");
  if (finite != ODEV_OK || !job->operand) return finite;
  return check_targets(device, job->operand, job->items, job->threads, "operand");
}

static int all_finite(const double *x, size_t count) {
  for (size_t i = 0; i < count; ++i)
    if (!__builtin_isfinite(x[i])) return 0;
  return 1;
}

static odev_status load_task(odev_device *device, const void *job, odev_result *result) {
  (void)result;
  odev_codec codec;
  if (odev_codec_init(&codec, &device->caps, job))
    return odev_fail(ODEV_ERR_MEMORY, "out of memory for the calibration's planes");
  odev_codec_free(&device->codec);
  device->codec = codec;
  device->has_codec = 1;
  device->pilot = (odev_pilot_state){{1.0, 0.0}, -1, 0};
  pthread_mutex_lock(&device->lock);
  device->counters.pilot_time_ns = -1;
  device->counters.drift_phase_rad = 0;
  device->tracked = (odev_tracked_phase){0, 0};
  device->counters.phase_sigma_rad = 0;
  device->counters.drift_amplitude = 1;
  pthread_mutex_unlock(&device->lock);
  return ODEV_OK;
}

odev_status odev_load_calibration(odev_device *device, const odev_calibration *s) {
  const odev_status usable = odev_check_device(device);
  if (usable != ODEV_OK) return usable;
  if (!s || s->struct_size != sizeof *s)
    return odev_fail(ODEV_ERR_ARGUMENT, "calibration: struct_size must be sizeof(odev_calibration) = %zu", sizeof *s);
  if (s->n != device->caps.n || s->launch_steps != device->caps.launch_steps)
    return odev_fail(ODEV_ERR_CALIBRATION, "the calibration is for a %u x %u grid and %u launch steps, not %u x %u and %u",
                     s->n, s->n, s->launch_steps, device->caps.n, device->caps.n, device->caps.launch_steps);
  if (!s->power_full_mw || !s->rho || !s->theta0_rad || !s->kappa_rad_per_mw || !s->beta_per_mw || !s->links || !s->partner || !s->ring ||
      !s->substrate_rad_per_mw ||      !s->input_map || !s->output_map || !s->launch_gain)
    return odev_fail(ODEV_ERR_ARGUMENT, "an array of the calibration is null");
  if (device->caps.layout == ODEV_LAYOUT_4F && !s->middle_map)
    return odev_fail(ODEV_ERR_CALIBRATION, "layout 4f needs what is between its lenses, middle_map");
  if (device->caps.reference_steps == 3 && !s->reference_plane_dn)
    return odev_fail(ODEV_ERR_CALIBRATION, "three steps need the reference's plane, reference_plane_dn");
  if (s->pilot_launch_step >= s->launch_steps)
    return odev_fail(ODEV_ERR_CALIBRATION, "pilot_launch_step must be below %u", s->launch_steps);
  const size_t plane = (size_t)s->n * s->n;
  if (!all_finite(s->power_full_mw, 4 * plane) || !all_finite(s->rho, 2 * plane) ||
      !all_finite(s->theta0_rad, 2 * plane) || !all_finite(s->kappa_rad_per_mw, 4 * plane) ||
      !all_finite(s->beta_per_mw, 4 * plane) || !all_finite(s->links, 16 * plane) ||
      !all_finite(s->partner, 2 * plane) || !all_finite(s->ring, 3) || !all_finite(s->substrate_rad_per_mw, 9) ||
      !all_finite(s->input_map, 2 * plane) || (s->middle_map && !all_finite(s->middle_map, 2 * plane)) ||
      !all_finite(s->output_map, 2 * plane) || !all_finite(s->launch_gain, 2 * (size_t)s->launch_steps) ||
      (s->reference_plane_dn && !all_finite(s->reference_plane_dn, plane)) ||
      (s->pilot_spectrum && !all_finite(s->pilot_spectrum, 2 * plane)))
    return odev_fail(ODEV_ERR_CALIBRATION, "the calibration holds NaN or infinity");
  if (s->pilot_codes && !odev_codes_fit(&device->caps, s->pilot_codes))
    return odev_fail(ODEV_ERR_CALIBRATION, "the pilot's codes go beyond the DAC's range");
  if (!(s->gain_e_per_dn > 0)) return odev_fail(ODEV_ERR_CALIBRATION, "gain_e_per_dn must be positive");
  return odev_run_task(device, load_task, s, NULL);
}

static odev_status encode_task(odev_device *device, const void *argument, odev_result *result) {
  const odev_encode_job *job = argument;
  (void)result;
  if (!device->has_codec) return odev_fail(ODEV_ERR_CALIBRATION, "no calibration is installed: load one first");
  const size_t frame = 2 * (size_t)device->caps.n * device->caps.n;
  const size_t scratch_bytes = (odev_encode_scratch_size((int)device->caps.n) * sizeof(float) + 63) / 64 * 64;
  float *scratch = aligned_alloc(64, scratch_bytes);
  if (!scratch) return odev_fail(ODEV_ERR_MEMORY, "out of memory for encoding");
  memset(scratch, 0, scratch_bytes);
  for (uint32_t i = 0; i < job->items; ++i) {
    const odev_encoded e = device->kernels->encode(
        &device->codec, job->x + i * frame, job->operand ? job->operand + i * frame : NULL, job->inverse != 0,
        (char *)job->codes + i * odev_code_bytes(&device->caps), scratch);
    job->scale[i] = e.scale;
    job->launch_step[i] = odev_launch_step_for(&device->codec, e.peak);
  }
  free(scratch);
  return ODEV_OK;
}

odev_status odev_encode(odev_device *device, const odev_encode_job *job) {
  const odev_status usable = odev_check_device(device);
  if (usable != ODEV_OK) return usable;
  if (!job || job->struct_size != sizeof *job)
    return odev_fail(ODEV_ERR_ARGUMENT, "job: struct_size must be sizeof(odev_encode_job) = %zu", sizeof *job);
  if (!job->x || !job->codes || !job->scale || !job->launch_step)
    return odev_fail(ODEV_ERR_ARGUMENT, "x, codes, scale and launch_step must not be null");
  odev_status status = check_codec(device);
  if (status == ODEV_OK) status = check_operand(device, job->operand);
  if (status == ODEV_OK) status = check_targets(device, job->x, job->items, 1, "x");
  if (status == ODEV_OK && job->operand) status = check_targets(device, job->operand, job->items, 1, "operand");
  return status == ODEV_OK ? odev_run_task(device, encode_task, job, NULL) : status;
}

static odev_status decode_task(odev_device *device, const void *argument, odev_result *result) {
  const odev_decode_job *job = argument;
  (void)result;
  if (!device->has_codec) return odev_fail(ODEV_ERR_CALIBRATION, "no calibration is installed: load one first");
  const size_t frame = 2 * (size_t)device->caps.n * device->caps.n;
  const size_t counts = (size_t)job->exposures * device->caps.reference_steps * odev_count_bytes(&device->caps);
  for (uint32_t i = 0; i < job->items; ++i)
    device->kernels->decode(&device->codec, (const char *)job->counts + i * counts,
                            job->launch_step + (size_t)i * job->exposures, (int)job->exposures, job->scale[i],
                            job->inverse != 0, 0, job->y + i * frame);
  return ODEV_OK;
}

odev_status odev_decode(odev_device *device, const odev_decode_job *job) {
  const odev_status usable = odev_check_device(device);
  if (usable != ODEV_OK) return usable;
  if (!job || job->struct_size != sizeof *job)
    return odev_fail(ODEV_ERR_ARGUMENT, "job: struct_size must be sizeof(odev_decode_job) = %zu", sizeof *job);
  if (!job->counts || !job->launch_step || !job->scale || !job->y || job->exposures < 1)
    return odev_fail(ODEV_ERR_ARGUMENT, "counts, launch_step, scale and y must not be null, nor exposures 0");
  for (size_t i = 0; i < (size_t)job->items * job->exposures; ++i)
    if (job->launch_step[i] >= device->caps.launch_steps)
      return odev_fail(ODEV_ERR_ARGUMENT, "launch_step must be below %u", device->caps.launch_steps);
  const odev_status able = check_codec(device);
  if (able != ODEV_OK) return able;
  return odev_run_task(device, decode_task, job, NULL);
}
