/* device.c - opening, closing, capabilities, parameters, telemetry. */
#include "device.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "error.h"

uint32_t odev_abi_version(void) { return ODEV_ABI_VERSION; }

odev_status odev_check_device(const odev_device *device) {
  if (!device) return odev_fail(ODEV_ERR_ARGUMENT, "device must not be null");
  if (device->generation != odev_fork_generation())
    return odev_fail(ODEV_ERR_FORKED, "device %s was opened before this process was forked; open it again here",
                     device->caps.serial);
  return ODEV_OK;
}

static int lock_init(odev_device *device) {
  if (pthread_condattr_init(&device->monotonic)) return -1;
  pthread_condattr_setclock(&device->monotonic, CLOCK_MONOTONIC);
  if (pthread_mutex_init(&device->lock, NULL)) goto no_lock;
  if (pthread_cond_init(&device->changed, &device->monotonic)) goto no_condition;
  return 0;
no_condition:
  pthread_mutex_destroy(&device->lock);
no_lock:
  pthread_condattr_destroy(&device->monotonic);
  return -1;
}

/* What is wrong with a backend's capabilities; null if nothing is. */
static const char *caps_problem(const odev_caps *caps) {
  if (caps->struct_size != sizeof *caps) return "struct_size is not this build's odev_caps";
  if (caps->n < 1 || caps->n > ODEV_MAX_N) return "n must be 1 to 512";
  if (caps->dac_bits > 16 || caps->adc_bits > 16) return "dac_bits and adc_bits must be 0 to 16";
  if (caps->launch_steps < 1 || caps->launch_steps > ODEV_MAX_LAUNCH_STEPS) return "launch_steps must be 1 to 64";
  if (caps->layout > ODEV_LAYOUT_4F) return "layout must be ODEV_LAYOUT_MFT or ODEV_LAYOUT_4F";
  if (caps->reference_steps != 1 && caps->reference_steps != 3 && caps->reference_steps != 4)
    return "reference_steps must be 4, 3, or 1 where there is no reference";
  if (caps->write_ns < 0 || caps->settle_ns < 0 || caps->readout_ns < 0) return "a duration is negative";
  if (caps->exposure_min_ns <= 0 || caps->exposure_min_ns > caps->exposure_ns ||
      caps->exposure_ns > caps->exposure_max_ns)
    return "exposure_ns must lie between exposure_min_ns, above 0, and exposure_max_ns";
  return caps->serial[ODEV_NAME_SIZE - 1] || caps->kernels[ODEV_NAME_SIZE - 1] ? "a name is not terminated" : NULL;
}

odev_status odev_open_backend(const odev_backend *backend, void *context, odev_device **out) {
  if (!backend || !out) return odev_fail(ODEV_ERR_ARGUMENT, "backend and device must not be null");
  if (backend->struct_size != sizeof *backend || backend->abi_version != ODEV_ABI_VERSION)
    return odev_fail(ODEV_ERR_ARGUMENT, "the backend was built for another version of this interface");
  if (!(backend->laser_nominal_mw > 0) || !(backend->laser_max_mw >= backend->laser_nominal_mw))
    return odev_fail(ODEV_ERR_ARGUMENT, "laser_nominal_mw must be above 0 and at most laser_max_mw");
  if (!backend->get_caps || !backend->execute_block || !backend->read_sensors || !backend->close)
    return odev_fail(ODEV_ERR_ARGUMENT, "a function of the backend is null");
  const odev_kernels *kernels = odev_kernels_pick();
  if (!kernels) {
    backend->close(context);
    return odev_fail(ODEV_ERR_CAPABILITY, "ODEV_KERNELS must be base, v3 or v4, and one that this processor runs");
  }
  odev_device *device = calloc(1, sizeof *device);
  odev_status status = device ? backend->get_caps(context, &device->caps) : ODEV_ERR_MEMORY;
  const char *problem = status == ODEV_OK ? caps_problem(&device->caps) : NULL;
  if (problem) status = ODEV_ERR_BACKEND;
  if (status == ODEV_OK) {
    device->last_codes = calloc(1, odev_code_bytes(&device->caps));
    device->last_codes_next = calloc(1, odev_code_bytes(&device->caps));
    if (!device->last_codes || !device->last_codes_next || lock_init(device)) status = ODEV_ERR_MEMORY;
  }
  if (status != ODEV_OK) {
    backend->close(context);
    if (device) {
      free(device->last_codes);
      free(device->last_codes_next);
    }
    free(device);
    return odev_fail(status, "the device could not be opened: %s", problem ? problem : odev_status_name(status));
  }
  device->backend = *backend;
  device->context = context;
  device->kernels = kernels;
  device->generation = odev_fork_generation();
  device->laser_enabled = 1;
  device->laser_mw = backend->laser_nominal_mw;
  device->reference_fraction = 1.0;
  device->pilot = (odev_pilot_state){{1.0, 0.0}, -1, 0};
  device->counters.pilot_time_ns = -1;
  device->counters.drift_amplitude = 1;
  *out = device;
  return ODEV_OK;
}

odev_status odev_close(odev_device *device) {
  const odev_status usable = odev_check_device(device);
  if (usable != ODEV_OK) return usable;
  odev_stop_worker(device);
  device->backend.close(device->context);
  odev_codec_free(&device->codec);
  odev_lanes_free(&device->lanes);
  pthread_cond_destroy(&device->changed);
  pthread_mutex_destroy(&device->lock);
  pthread_condattr_destroy(&device->monotonic);
  free(device->last_codes);
  free(device->last_codes_next);
  free(device);
  return ODEV_OK;
}

odev_status odev_get_caps(odev_device *device, odev_caps *caps) {
  const odev_status usable = odev_check_device(device);
  if (usable != ODEV_OK) return usable;
  if (!caps || caps->struct_size != sizeof *caps)
    return odev_fail(ODEV_ERR_ARGUMENT, "caps: struct_size must be sizeof(odev_caps) = %zu", sizeof *caps);
  *caps = device->caps;
  return ODEV_OK;
}

static odev_param_info param_info(const odev_device *device, uint32_t id) {
  static const struct {
    const char *name, *unit;
    double maximum;
    uint32_t read_only, type;
  } table[ODEV_PARAM_COUNT] = {{"laser_enabled", "", 1, 0, ODEV_TYPE_SWITCH},
                               {"laser_mw", "mW", 0, 0, ODEV_TYPE_REAL},
                               {"reference_fraction", "", 2, 0, ODEV_TYPE_REAL},
                               {"device_time_s", "s", INFINITY, 1, ODEV_TYPE_REAL}};
  odev_param_info info = {.struct_size = sizeof info, .id = id, .minimum = 0};
  snprintf(info.name, sizeof info.name, "%s", table[id].name);
  snprintf(info.unit, sizeof info.unit, "%s", table[id].unit);
  info.maximum = id == ODEV_PARAM_LASER_MW ? device->backend.laser_max_mw : table[id].maximum;
  info.read_only = table[id].read_only;
  info.type = table[id].type;
  return info;
}

odev_status odev_describe_param(odev_device *device, uint32_t id, odev_param_info *info) {
  const odev_status usable = odev_check_device(device);
  if (usable != ODEV_OK) return usable;
  if (id >= ODEV_PARAM_COUNT) return odev_fail(ODEV_ERR_NOT_FOUND, "no parameter has the id %u", id);
  if (!info || info->struct_size != sizeof *info)
    return odev_fail(ODEV_ERR_ARGUMENT, "info: struct_size must be sizeof(odev_param_info)");
  *info = param_info(device, id);
  return ODEV_OK;
}

odev_status odev_get_param(odev_device *device, uint32_t id, double *value) {
  const odev_status usable = odev_check_device(device);
  if (usable != ODEV_OK) return usable;
  if (id >= ODEV_PARAM_COUNT) return odev_fail(ODEV_ERR_NOT_FOUND, "no parameter has the id %u", id);
  if (!value) return odev_fail(ODEV_ERR_ARGUMENT, "value must not be null");
  pthread_mutex_lock(&device->lock);
  switch (id) {
    case ODEV_PARAM_LASER_ENABLED: *value = device->laser_enabled; break;
    case ODEV_PARAM_LASER_MW: *value = device->laser_mw; break;
    case ODEV_PARAM_REFERENCE_FRACTION: *value = device->reference_fraction; break;
    default: *value = (double)device->counters.device_time_ns * 1e-9; break;
  }
  pthread_mutex_unlock(&device->lock);
  return ODEV_OK;
}

typedef struct {
  uint32_t id;
  double value;
} param_setting;

static odev_status set_param_task(odev_device *device, const void *job, odev_result *result) {
  const param_setting *s = job;
  (void)result;
  pthread_mutex_lock(&device->lock);
  if (s->id == ODEV_PARAM_LASER_ENABLED) device->laser_enabled = s->value != 0;
  if (s->id == ODEV_PARAM_LASER_ENABLED && device->laser_enabled) device->counters.interlock = 0;
  if (s->id == ODEV_PARAM_LASER_MW) device->laser_mw = s->value;
  if (s->id == ODEV_PARAM_REFERENCE_FRACTION) device->reference_fraction = s->value;
  pthread_mutex_unlock(&device->lock);
  return ODEV_OK;
}

odev_status odev_set_param(odev_device *device, uint32_t id, double value) {
  const odev_status usable = odev_check_device(device);
  if (usable != ODEV_OK) return usable;
  if (id >= ODEV_PARAM_COUNT) return odev_fail(ODEV_ERR_NOT_FOUND, "no parameter has the id %u", id);
  const odev_param_info info = param_info(device, id);
  if (info.read_only) return odev_fail(ODEV_ERR_READ_ONLY, "%s is read-only", info.name);
  if (!(value >= info.minimum && value <= info.maximum))
    return odev_fail(ODEV_ERR_ARGUMENT, "%s must be %g to %g%s%s, not %g", info.name, info.minimum, info.maximum,
                     info.unit[0] ? " " : "", info.unit, value);
  if (info.type == ODEV_TYPE_SWITCH && value != 0 && value != 1)
    return odev_fail(ODEV_ERR_ARGUMENT, "%s must be 0 or 1, not %g", info.name, value);
  const param_setting setting = {id, value};
  return odev_run_task(device, set_param_task, &setting, NULL);
}

static odev_status idle_task(odev_device *device, const void *job, odev_result *result) {
  const int64_t duration_ns = *(const int64_t *)job;
  if (duration_ns > ODEV_CLOCK_MAX_NS - device->clock_ns)
    return odev_fail(ODEV_ERR_ARGUMENT, "the device clock ends after %g s", (double)ODEV_CLOCK_MAX_NS * 1e-9);
  result->start_ns = device->clock_ns;
  device->clock_ns += duration_ns;
  result->end_ns = device->clock_ns;
  pthread_mutex_lock(&device->lock);
  device->counters.device_time_ns = device->clock_ns;
  pthread_mutex_unlock(&device->lock);
  return ODEV_OK;
}

void odev_frames_passed(odev_device *device, uint64_t frames, int64_t end_ns, const void *codes) {
  const size_t bytes = odev_code_bytes(&device->caps);
  device->next_frame += frames;
  device->clock_ns = end_ns;
  device->pilot.frames_since += frames;
  pthread_mutex_lock(&device->lock);
  if (!codes)
    memset(device->last_codes, 0, bytes);
  else if (codes != device->last_codes)
    memcpy(device->last_codes, codes, bytes);
  pthread_mutex_unlock(&device->lock);
}

odev_status odev_idle(odev_device *device, int64_t duration_ns) {
  const odev_status usable = odev_check_device(device);
  if (usable != ODEV_OK) return usable;
  if (duration_ns < 0) return odev_fail(ODEV_ERR_ARGUMENT, "a duration must not be negative");
  return odev_run_task(device, idle_task, &duration_ns, NULL);
}

static odev_status telemetry_task(odev_device *device, const void *job, odev_result *result) {
  odev_telemetry_data *telemetry = (odev_telemetry_data *)(uintptr_t)job;
  (void)result;
  void *codes = malloc(odev_code_bytes(&device->caps)); /* of its own: a job may go on meanwhile */
  if (!codes) return odev_fail(ODEV_ERR_MEMORY, "out of memory for a sensor reading");
  pthread_mutex_lock(&device->lock);
  *telemetry = device->counters;
  telemetry->queued = device->queued + (device->running && device->running->task != telemetry_task);
  const double laser_mw = device->laser_enabled ? device->laser_mw : 0;
  const uint64_t reading = device->readings++;
  memcpy(codes, device->last_codes, odev_code_bytes(&device->caps));
  pthread_mutex_unlock(&device->lock);
  telemetry->struct_size = sizeof *telemetry;
  odev_report report = {0};
  const odev_status status =
      device->backend.read_sensors(device->context, reading, laser_mw, codes, telemetry, &report);
  free(codes);
  report.message[sizeof report.message - 1] = '\0';
  if (status != ODEV_OK)
    return odev_fail_from((odev_origin){report.native_code, report.cause}, status,
                          report.message[0] ? report.message : "the sensors cannot be read, and the backend says not why");
  pthread_mutex_lock(&device->lock);
  device->counters.temperature_k = telemetry->temperature_k;
  device->counters.laser_mw = telemetry->laser_mw;
  pthread_mutex_unlock(&device->lock);
  return ODEV_OK;
}

static odev_status check_telemetry(odev_device *device, const odev_telemetry_data *telemetry) {
  const odev_status usable = odev_check_device(device);
  if (usable != ODEV_OK) return usable;
  if (!telemetry || telemetry->struct_size != sizeof *telemetry)
    return odev_fail(ODEV_ERR_ARGUMENT, "telemetry: struct_size must be sizeof(odev_telemetry_data)");
  return ODEV_OK;
}

odev_status odev_counters(odev_device *device, odev_telemetry_data *telemetry) {
  const odev_status able = check_telemetry(device, telemetry);
  if (able != ODEV_OK) return able;
  pthread_mutex_lock(&device->lock);
  *telemetry = device->counters;
  telemetry->queued = device->queued + (device->running != NULL);
  pthread_mutex_unlock(&device->lock);
  telemetry->struct_size = sizeof *telemetry;
  return ODEV_OK;
}

odev_status odev_telemetry(odev_device *device, odev_telemetry_data *telemetry) {
  const odev_status able = check_telemetry(device, telemetry);
  if (able != ODEV_OK) return able;
  if (device->caps.concurrent) return telemetry_task(device, telemetry, NULL);
  /* Such a backend can't be asked while it works: the last readings must do, so that the call answers. */
  pthread_mutex_lock(&device->lock);
  const int works = device->running || device->first;
  if (works) {
    *telemetry = device->counters;
    telemetry->queued = device->queued + (device->running != NULL);
  }
  pthread_mutex_unlock(&device->lock);
  telemetry->struct_size = sizeof *telemetry;
  return works ? ODEV_OK : odev_run_task(device, telemetry_task, telemetry, NULL);
}

/* ---- jobs ---- */

odev_status odev_stopped(uint64_t done, uint64_t frames) {
  return odev_fail(ODEV_ERR_CANCELLED, "the job was stopped after %llu of %llu frames", (unsigned long long)done,
                   (unsigned long long)frames);
}

odev_status odev_check_result(const odev_result *result) {
  if (!result || result->struct_size == sizeof *result) return ODEV_OK;
  return odev_fail(ODEV_ERR_ARGUMENT, "result: struct_size must be sizeof(odev_result) = %zu", sizeof *result);
}

odev_status odev_submit_expose(odev_device *device, const odev_expose_job *job, odev_ticket **ticket) {
  const odev_status status = odev_check_expose(device, job);
  if (status != ODEV_OK) return status;
  if (!ticket) return odev_fail(ODEV_ERR_ARGUMENT, "ticket must not be null");
  return odev_submit_task(device, odev_expose_task, job, sizeof *job, ticket);
}

odev_status odev_run_expose(odev_device *device, const odev_expose_job *job, odev_result *result) {
  odev_status status = odev_check_expose(device, job);
  if (status == ODEV_OK) status = odev_check_result(result);
  return status == ODEV_OK ? odev_run_task(device, odev_expose_task, job, result) : status;
}

odev_status odev_submit_transform(odev_device *device, const odev_transform_job *job, odev_ticket **ticket) {
  const odev_status status = odev_check_transform(device, job);
  if (status != ODEV_OK) return status;
  if (!ticket) return odev_fail(ODEV_ERR_ARGUMENT, "ticket must not be null");
  return odev_submit_task(device, odev_transform_task, job, sizeof *job, ticket);
}

odev_status odev_run_transform(odev_device *device, const odev_transform_job *job, odev_result *result) {
  odev_status status = odev_check_transform(device, job);
  if (status == ODEV_OK) status = odev_check_result(result);
  return status == ODEV_OK ? odev_run_task(device, odev_transform_task, job, result) : status;
}
