/* backend.c - the emulator behind the backend's table of functions. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../kernels/planes.h"
#include "../kernels/streams.h"
#include "build.h"
#include "frame.h"
#include "../core/error.h"

typedef struct {
  odev_emulator_model model;
  odev_caps caps;
  odev_data_sheet sheet;
  const odev_kernels *kernels;
  double laser_nominal_mw;
  double temperature_offset_k, temperature_noise_k, laser_sensor_gain, laser_sensor_noise;
} emulator;

static odev_status get_caps(void *context, odev_caps *caps) {
  *caps = ((emulator *)context)->caps;
  return ODEV_OK;
}

static odev_status get_data_sheet(void *context, odev_data_sheet *sheet) {
  *sheet = ((emulator *)context)->sheet;
  return ODEV_OK;
}

static odev_status too_warm(const odev_emulator_model *m, double chip_k, uint64_t frame, odev_report *report) {
  snprintf(report->message, sizeof report->message,
           "frame %llu would heat the chip to %.2f K, above the interlock at %g K: heaters are off and the job's "
           "counts are void",
           (unsigned long long)frame, chip_k, m->interlock_k);
  return ODEV_ERR_OVER_TEMPERATURE;
}

/* The heaters still remember the frame before: its steady state is all that is needed of it, and often it is
 * at hand from this thread's last block.  Returns its slot. */
static int phases_before(const emulator *e, const odev_block *block, odev_workspace *w, odev_moments moments[2]) {
  odev_last_frame *last = w->last;
  const int known = last->is_known && memcmp(w->last_codes, block->previous_codes, w->code_bytes) == 0;
  last->is_known = 0; /* until this block has ended well */
  const int slot = known ? last->slot : 0;
  if (known)
    moments[slot] = last->moments;
  else
    e->kernels->steady_phases(&e->model, block->previous_codes, w->rows, w->phases[slot], &moments[slot]);
  return slot;
}

static void keep_phases(const odev_block *block, odev_workspace *w, const odev_moments moments[2], int slot) {
  if (block->frames == 0) return;
  *w->last = (odev_last_frame){1, slot, moments[slot]};
  memcpy(w->last_codes, (const char *)block->codes + (block->frames - 1) * w->code_bytes, w->code_bytes);
}

static odev_status execute_block(void *context, const odev_block *block, odev_report *report) {
  const emulator *e = context;
  const odev_emulator_model *m = &e->model;
  const odev_geometry g = m->geometry;
  odev_workspace w = odev_workspace_of(m, block->scratch);
  const size_t plane = (size_t)g.n * (size_t)g.n;
  const uint32_t steps = odev_steps_of(m, block->reference);
  const size_t exposure_bytes = steps * plane * (m->float_counts ? 4 : 2);
  const int64_t frame_ns = m->write_ns + m->settle_ns +
                           (int64_t)(block->exposures * steps) * (block->exposure_ns + m->readout_ns);

  odev_moments moments[2];
  int now = phases_before(e, block, &w, moments) ^ 1;
  for (uint32_t i = 0; i < block->frames; ++i) {
    const odev_drift drift = odev_drift_at(m, block->start_ns + (int64_t)i * frame_ns);
    e->kernels->steady_phases(m, (const char *)block->codes + i * w.code_bytes, w.rows, w.phases[now], &moments[now]);
    const double chip_k = m->ambient_k + drift.ambient_k + odev_chip_rise_k(m, &moments[now]);
    if (chip_k > m->interlock_k) return too_warm(m, chip_k, block->first_frame + i, report);
    const odev_theta_offset offset = odev_theta_offset_of(m, drift, &moments[now], &moments[now ^ 1]);
    odev_frame_spectrum(m, e->kernels, &w, now, &offset, drift);
    for (uint32_t x = 0; x < block->exposures; ++x) {
      const odev_exposure_light light = odev_light_of(m, e->kernels, block, e->laser_nominal_mw, i, x, drift);
      e->kernels->detect(m, &light, w.re, w.im,
                         (char *)block->counts + (i * block->exposures + x) * exposure_bytes);
    }
    now ^= 1;
  }
  keep_phases(block, &w, moments, now ^ 1);
  return ODEV_OK;
}

/* The chip's rise with these codes; sensors are read beside running blocks, so with planes of their own. */
static odev_status chip_rise(const emulator *e, const void *codes, double *rise_k) {
  const odev_emulator_model *m = &e->model;
  *rise_k = 0;
  if (!m->has_substrate) return ODEV_OK;
  odev_arena arena;
  if (odev_arena_init(&arena, odev_workspace_floats(m))) return ODEV_ERR_MEMORY;
  odev_workspace w = odev_workspace_of(m, arena.storage);
  odev_moments moments;
  e->kernels->steady_phases(m, codes, w.rows, w.phases[0], &moments);
  *rise_k = odev_chip_rise_k(m, &moments);
  free(arena.storage);
  return ODEV_OK;
}

static odev_status read_sensors(void *context, uint64_t reading, double laser_mw, const void *codes,
                                odev_telemetry_data *t, odev_report *report) {
  const emulator *e = context;
  const uint32_t counter[4] = {(uint32_t)reading, (uint32_t)t->frames, (uint32_t)(t->frames >> 32),
                               ODEV_STREAM_TELEMETRY};
  uint32_t words[4 * ODEV_LANES];
  float normals[4 * ODEV_LANES];
  double rise_k;
  const odev_status status = chip_rise(e, codes, &rise_k);
  if (status != ODEV_OK) {
    snprintf(report->message, sizeof report->message, "out of memory for a sensor reading");
    return status;
  }
  e->kernels->random16(e->model.key, counter, words, normals);
  const odev_drift drift = odev_drift_at(&e->model, t->device_time_ns);
  t->temperature_k = e->model.ambient_k + drift.ambient_k + rise_k + e->temperature_offset_k +
                     e->temperature_noise_k * (double)normals[0];
  t->laser_mw = laser_mw * (1 + drift.power) * e->laser_sensor_gain *
                (1 + e->laser_sensor_noise * (double)normals[ODEV_LANES]);
  return ODEV_OK;
}

static void close_emulator(void *context) {
  emulator *e = context;
  odev_emulator_model_free(&e->model);
  free(e);
}

static const char *spec_problem(const odev_emulator_spec *s) {
  if (s->struct_size != sizeof *s) return "struct_size is not this build's odev_emulator_spec";
  if (s->n < 1 || s->n > ODEV_MAX_N) return "n must be 1 to 512";
  if (s->dac_bits > 16 || s->adc_bits > 16) return "dac_bits and adc_bits must be 0 to 16";
  if (s->launch_steps < 1 || s->launch_steps > ODEV_MAX_LAUNCH_STEPS) return "launch_steps must be 1 to 64";
  if (s->layout > ODEV_LAYOUT_4F) return "layout must be mft (0) or 4f (1)";
  if (s->reference_steps != 1 && s->reference_steps != 3 && s->reference_steps != 4)
    return "reference_steps must be 1, 3 or 4";
  if (!(s->interlock_k > 0)) return "interlock_k must be positive, and infinite for none";
  if (!(s->magnification > 0) || (s->follows_wavelength && !(s->wavelength_nm > 0)))
    return "magnification and wavelength must be positive";
  if (!(3.15 / 2 * s->n * s->magnification * fabs(sin(s->rotation_rad)) <= 4))
    return "the camera is rotated too far for the lens's series: its corner moves by more than a pixel";
  if (!(s->gain_e_per_dn > 0) || !(s->full_well_e > 0)) return "gain and full well must be positive";
  if (s->write_ns < 0 || s->settle_ns < 0 || s->readout_ns < 0 || s->exposure_min_ns <= 0 ||
      s->exposure_min_ns > s->exposure_ns || s->exposure_ns > s->exposure_max_ns)
    return "timing must be non-negative, and the exposure inside its range";
  const double *const planes[] = {
      s->dac_bow, s->dac_bit_error, s->ring, s->substrate_k_per_mw, s->power_full_mw, s->resistance_slope_per_mw, s->p_pi_mw, s->static_phase_rad, s->links, s->partner,
      s->b0, s->b1, s->input_map, s->output_map, s->reference_map, s->qe_map, s->dark_e_per_s_map,
      s->launch_gain, s->step_phase_rad, s->drift_amplitude, s->drift_omega_rad_per_s, s->drift_phase_rad};
  for (size_t i = 0; i < sizeof planes / sizeof *planes; ++i)
    if (!planes[i]) return "an array is missing";
  if (s->layout == ODEV_LAYOUT_4F && !s->middle_map) return "layout 4f needs a middle map";
  return NULL;
}

odev_status odev_make_emulator(const odev_emulator_spec *s, const odev_data_sheet *sheet, odev_backend *backend,
                               void **context) {
  if (!s || !backend || !context) return odev_fail(ODEV_ERR_ARGUMENT, "spec, backend and context must not be null");
  const char *problem = spec_problem(s);
  if (problem) return odev_fail(ODEV_ERR_ARGUMENT, "emulator spec: %s", problem);
  emulator *e = calloc(1, sizeof *e);
  if (!e) return odev_fail(ODEV_ERR_MEMORY, "out of memory for the emulator");
  if (odev_emulator_model_init(&e->model, s)) {
    free(e);
    return odev_fail(ODEV_ERR_MEMORY, "out of memory for the emulator's planes");
  }
  e->kernels = odev_kernels_pick();
  if (!e->kernels) {
    close_emulator(e);
    return odev_fail(ODEV_ERR_CAPABILITY, "ODEV_KERNELS must be base, v3 or v4, and one that this processor runs");
  }
  if (sheet) e->sheet = *sheet;
  e->laser_nominal_mw = s->laser_nominal_mw;
  e->temperature_offset_k = s->temperature_offset_k;
  e->temperature_noise_k = s->temperature_noise_k;
  e->laser_sensor_gain = s->laser_sensor_gain;
  e->laser_sensor_noise = s->laser_sensor_noise;
  e->caps = (odev_caps){.struct_size = sizeof(odev_caps),
                        .n = s->n,
                        .dac_bits = s->dac_bits,
                        .adc_bits = s->adc_bits,
                        .launch_steps = s->launch_steps,
                        .concurrent = 1,
                        .reproducible = 1,
                        .layout = s->layout,
                        .reference_steps = s->reference_steps,
                        .launch_step_db = s->launch_step_db,
                        .write_ns = s->write_ns,
                        .settle_ns = s->settle_ns,
                        .exposure_ns = s->exposure_ns,
                        .readout_ns = s->readout_ns,
                        .exposure_min_ns = s->exposure_min_ns,
                        .exposure_max_ns = s->exposure_max_ns};
  snprintf(e->caps.serial, sizeof e->caps.serial, "%s", s->serial ? s->serial : "");
  snprintf(e->caps.kernels, sizeof e->caps.kernels, "%s", e->kernels->name);
  *backend = (odev_backend){.struct_size = sizeof *backend,
                            .abi_version = ODEV_ABI_VERSION,
                            .scheme = "emulator",
                            .get_caps = get_caps,
                            .get_data_sheet = sheet ? get_data_sheet : NULL,
                            .execute_block = execute_block,
                            .read_sensors = read_sensors,
                            .laser_nominal_mw = s->laser_nominal_mw,
                            .laser_max_mw = s->laser_max_mw,
                            .scratch_bytes = odev_workspace_floats(&e->model) * sizeof(float),
                            .close = close_emulator};
  *context = e;
  return ODEV_OK;
}

odev_status odev_open_emulator(const odev_emulator_spec *s, odev_device **device) {
  odev_backend backend;
  void *context;
  const odev_status status = odev_make_emulator(s, NULL, &backend, &context);
  return status == ODEV_OK ? odev_open_backend(&backend, context, device) : status;
}
