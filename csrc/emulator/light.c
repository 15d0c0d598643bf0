/* light.c - drift as a function of device time, and the light of one exposure. */
#include "light.h"

#include <math.h>
#include <string.h>

#include "../kernels/streams.h"

static const double two_pi = 6.283185307179586476925286766559;

/* sin(2 pi x) to 1e-15, |x| < 2^50: without branches or calls, so that a channel's tones go side by side. */
static double sine_of_turns(double x) {
  const double magic = 6755399441055744.0; /* 1.5 2^52: what it leaves of a sum is the nearest integer */
  x -= (x + magic) - magic;
  const double y = fabs(x) > 0.25 ? copysign(0.5, x) - x : x, z = y * y;
  /* Terms (2 pi)^k / k! of the series to k = 21: |2 pi y| <= pi/2. */
  double s = 1.1309237482517961e-3;
  s = s * z - 1.2031585942120622e-2;
  s = s * z + 0.10422916220813984;
  s = s * z - 0.7181223017785006;
  s = s * z + 3.8199525848482824;
  s = s * z - 15.094642576822989;
  s = s * z + 42.05869394489765;
  s = s * z - 76.70585975306139;
  s = s * z + 81.60524927607504;
  s = s * z - 41.34170224039975;
  s = s * z + 6.283185307179586;
  return s * y;
}

odev_drift odev_drift_at(const odev_emulator_model *m, int64_t time_ns) {
  const double t = (double)time_ns * 1e-9;
  double value[ODEV_DRIFTS], slope = 0;
  for (int d = 0; d < ODEV_DRIFTS; ++d) {
    double tone[ODEV_TONES];
    for (int j = 0; j < ODEV_TONES; ++j)
      tone[j] = m->drift_amplitude[d][j] * sine_of_turns(m->drift_hz[d][j] * t + m->drift_turns[d][j]);
    value[d] = 0;
    for (int j = 0; j < ODEV_TONES; ++j) value[d] += tone[j];
  }
  for (int j = 0; j < ODEV_TONES; ++j) {
    const int d = ODEV_DRIFT_PHASE;
    const double cosine = sine_of_turns(m->drift_hz[d][j] * t + m->drift_turns[d][j] + 0.25);
    slope += m->drift_amplitude[d][j] * m->drift_hz[d][j] * (two_pi * cosine);
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
