/* session.c - where a session stands, to be taken up by a device opened alike. */
#include <math.h>
#include <string.h>

#include "device.h"

int odev_codes_fit(const odev_caps *caps, const void *codes) {
  const size_t count = 4 * (size_t)caps->n * caps->n;
  const uint16_t *whole = codes;
  const float *fraction = codes;
  for (size_t i = 0; i < count; ++i)
    if (caps->dac_bits ? whole[i] >> caps->dac_bits != 0 : !(fraction[i] >= 0.0f && fraction[i] <= 1.0f)) return 0;
  return 1;
}

static odev_status check_session(const odev_device *device, const odev_session *session) {
  const odev_status usable = odev_check_device(device);
  if (usable != ODEV_OK) return usable;
  if (!session || session->struct_size != sizeof *session || !session->codes)
    return odev_fail(ODEV_ERR_ARGUMENT, "session: struct_size must be sizeof(odev_session) = %zu and codes not null",
                     sizeof *session);
  if (!device->caps.reproducible)
    return odev_fail(ODEV_ERR_CAPABILITY, "device %s is not reproducible: its sessions cannot be taken up again",
                     device->caps.serial);
  return ODEV_OK;
}

/* `job` is where the caller's odev_session lies. */
static odev_status save_task(odev_device *device, const void *job, odev_result *result) {
  odev_session *s = (odev_session *)(uintptr_t)job;
  (void)result;
  pthread_mutex_lock(&device->lock);
  const odev_telemetry_data *c = &device->counters;
  *s = (odev_session){.struct_size = sizeof *s,
                      .device_time_ns = device->clock_ns,
                      .frames = device->next_frame,
                      .exposures = c->exposures,
                      .pilots = c->pilots,
                      .retries = c->retries,
                      .saturations = c->saturations,
                      .faults = c->faults,
                      .lost = c->lost,
                      .clock_jumps = c->clock_jumps,
                      .readings = device->readings,
                      .pilot_re = device->pilot.gain[0],
                      .pilot_im = device->pilot.gain[1],
                      .pilot_time_ns = device->pilot.time_ns,
                      .frames_since_pilot = device->pilot.frames_since,
                      .phase_mean_square = device->tracked.mean_square,
                      .phase_count = device->tracked.count,
                      .codes = s->codes};
  memcpy(s->codes, device->last_codes, odev_code_bytes(&device->caps));
  pthread_mutex_unlock(&device->lock);
  return ODEV_OK;
}

odev_status odev_save_session(odev_device *device, odev_session *session) {
  const odev_status status = check_session(device, session);
  return status == ODEV_OK ? odev_run_task(device, save_task, session, NULL) : status;
}

static odev_status restore_task(odev_device *device, const void *job, odev_result *result) {
  const odev_session *s = job;
  (void)result;
  device->next_frame = s->frames;
  device->clock_ns = s->device_time_ns;
  device->pilot = (odev_pilot_state){{s->pilot_re, s->pilot_im}, s->pilot_time_ns, s->frames_since_pilot};
  device->tracked = (odev_tracked_phase){s->phase_mean_square, s->phase_count};
  pthread_mutex_lock(&device->lock);
  odev_telemetry_data *c = &device->counters;
  c->device_time_ns = s->device_time_ns;
  c->frames = s->frames;
  c->exposures = s->exposures;
  c->pilots = s->pilots;
  c->retries = s->retries;
  c->saturations = s->saturations;
  c->faults = s->faults;
  c->lost = s->lost;
  c->clock_jumps = s->clock_jumps;
  c->pilot_time_ns = s->pilot_time_ns;
  c->drift_phase_rad = s->pilot_time_ns >= 0 ? atan2(s->pilot_im, s->pilot_re) : 0;
  c->drift_amplitude = s->pilot_time_ns >= 0 ? hypot(s->pilot_re, s->pilot_im) : 1;
  c->phase_sigma_rad = sqrt(s->phase_mean_square);
  device->readings = s->readings;
  memcpy(device->last_codes, s->codes, odev_code_bytes(&device->caps));
  pthread_mutex_unlock(&device->lock);
  return ODEV_OK;
}

odev_status odev_restore_session(odev_device *device, const odev_session *session) {
  const odev_status status = check_session(device, session);
  if (status != ODEV_OK) return status;
  if (session->device_time_ns < 0 || session->device_time_ns > ODEV_CLOCK_MAX_NS ||
      session->pilot_time_ns < -1 || session->pilot_time_ns > session->device_time_ns)
    return odev_fail(ODEV_ERR_ARGUMENT, "session: device time must be 0 to %g s, and a pilot's -1 ns or up to it",
                     (double)ODEV_CLOCK_MAX_NS * 1e-9);
  if (!isfinite(session->pilot_re) || !isfinite(session->pilot_im) || !(session->phase_mean_square >= 0) ||
      !isfinite(session->phase_mean_square) || !(session->phase_count >= 0) || !isfinite(session->phase_count))
    return odev_fail(ODEV_ERR_ARGUMENT, "session: the pilot's gain and the phase's scatter must be finite");
  if (!odev_codes_fit(&device->caps, session->codes))
    return odev_fail(ODEV_ERR_ARGUMENT, "session: codes must be ones that the DAC has");
  return odev_run_task(device, restore_task, session, NULL);
}
