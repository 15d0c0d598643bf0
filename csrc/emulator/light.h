/* light.h - drift and source: what the light of one exposure is. */
#ifndef ODEV_EMULATOR_LIGHT_H
#define ODEV_EMULATOR_LIGHT_H

#include "../kernels/kernels.h"
#include "optical_backend.h"

/* Drift at a frame's start; the reference phase also with its slope, since it moves within a frame. */
typedef struct {
  double phase_rad, phase_rad_per_s, power, ambient_k;
  double gradient_row_k, gradient_column_k; /* across the grid */
  double wavelength_pm;
} odev_drift;

odev_drift odev_drift_at(const odev_emulator_model *model, int64_t time_ns);

/* The light of exposure `exposure` of frame `index` of the block. */
odev_exposure_light odev_light_of(const odev_emulator_model *model, const odev_kernels *kernels,
                                  const odev_block *block, double laser_nominal_mw, uint32_t index,
                                  uint32_t exposure, odev_drift drift);

static inline uint32_t odev_steps_of(const odev_emulator_model *model, uint32_t reference) {
  return reference == ODEV_REFERENCE_STEPS ? (uint32_t)model->reference_steps : 1;
}

#endif
