/* light.c - drift as a function of device time, and the light of one exposure. */
#include "light.h"

#include <math.h>
#include <string.h>

#include "../kernels/streams.h"

odev_drift odev_drift_at(const odev_emulator_model *m, int64_t time_ns) {
  const double t = (double)time_ns * 1e-9;
  double value[ODEV_DRIFTS] = {0}, slope = 0;
  for (int d = 0; d < ODEV_DRIFTS; ++d)
    for (int j = 0; j < ODEV_TONES; ++j) {
      if (m->drift_amplitude[d][j] == 0) continue;
      const double angle = m->drift_omega[d][j] * t + m->drift_phase[d][j];
      value[d] += m->drift_amplitude[d][j] * sin(angle);
      if (d == ODEV_DRIFT_PHASE) slope += m->drift_amplitude[d][j] * m->drift_omega[d][j] * cos(angle);
    }
  return (odev_drift){.phase_rad = value[ODEV_DRIFT_PHASE],
                      .phase_rad_per_s = slope,
                      .power = value[ODEV_DRIFT_POWER],
                      .ambient_k = value[ODEV_DRIFT_AMBIENT],
                      .gradient_row_k = value[ODEV_DRIFT_GRADIENT_ROW],
                      .gradient_column_k = value[ODEV_DRIFT_GRADIENT_COLUMN],
                      .wavelength_pm = value[ODEV_DRIFT_WAVELENGTH]};
}

static void laser_noise(const odev_emulator_model *m, const odev_kernels *kernels, uint64_t frame,
                        uint32_t exposure, float noise[4]) {
  for (int k = 0; k < 4; ++k) noise[k] = 1.0f;
  if (m->rin == 0) return;
  const uint32_t counter[4] = {0, (uint32_t)frame, (uint32_t)(frame >> 32),
                               ODEV_STREAM_LASER + 256u * exposure};
  uint32_t words[4 * ODEV_LANES];
  float normals[4 * ODEV_LANES];
  kernels->random16(m->key, counter, words, normals);
  for (int k = 0; k < 4; ++k) noise[k] = 1.0f + m->rin * normals[k * ODEV_LANES];
}

odev_exposure_light odev_light_of(const odev_emulator_model *m, const odev_kernels *kernels,
                                  const odev_block *block, double laser_nominal_mw, uint32_t index,
                                  uint32_t exposure, odev_drift drift) {
  odev_exposure_light l;
  memset(&l, 0, sizeof l);
  l.frame = block->first_frame + index;
  l.exposure_index = exposure;
  l.steps = (int)odev_steps_of(m, block->reference);
  l.exposure_us = (float)((double)block->exposure_ns * 1e-3);
  laser_noise(m, kernels, l.frame, exposure, l.laser_noise);

  const double power = block->laser_on ? block->laser_mw / laser_nominal_mw * (1 + drift.power) : 0;
  l.stray = (float)(m->stray_rate * power);
  if (block->reference != ODEV_REFERENCE_ONLY) {
    const float *launch = m->launch[block->launch_step[index * block->exposures + exposure]];
    const float amplitude = (float)sqrt(m->signal_rate * power);
    l.launch_re = amplitude * launch[0];
    l.launch_im = amplitude * launch[1];
  }
  if (block->reference != ODEV_REFERENCE_OFF) {
    const double amplitude = sqrt(m->reference_rate * power * block->reference_fraction);
    /* With three steps the first is without reference; a single one is the first that has it. */
    const int dark = m->reference_steps == 3;
    for (int k = dark && l.steps > 1; k < l.steps; ++k) {
      const int64_t read = (int64_t)exposure * l.steps + k;
      const int64_t since = m->write_ns + m->settle_ns + read * (block->exposure_ns + m->readout_ns) +
                            block->exposure_ns / 2;
      const double phase =
          m->step_phase_rad[l.steps > 1 ? k : dark] + drift.phase_rad + drift.phase_rad_per_s * ((double)since * 1e-9);
      l.reference_re[k] = (float)(amplitude * cos(phase));
      l.reference_im[k] = (float)(amplitude * sin(phase));
    }
  }
  return l;
}
