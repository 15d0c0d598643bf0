/* model.h - one fabricated device, laid out for the kernels.  Nothing above the device boundary
 * includes this file: it is the truth that a calibration has to find. */
#ifndef ODEV_EMULATOR_MODEL_H
#define ODEV_EMULATOR_MODEL_H

#include <stdint.h>

#include "../kernels/crosstalk_links.h"
#include "../kernels/fft.h"
#include "optical_driver.h"

enum { ODEV_DRIFT_PHASE, ODEV_DRIFT_POWER, ODEV_DRIFT_AMBIENT, ODEV_DRIFTS, ODEV_TONES = 12 };

typedef struct {
  odev_geometry geometry;
  odev_fft_plan fft;
  int float_codes, float_counts, has_crosstalk, has_noise;
  float code_scale; /* codes to relative voltage u */

  /* Per stage and heater; plain planes unless said. */
  const float *power_full_mw[2][2];
  const float *slope4_per_mw[2][2]; /* 4 beta */
  const float *turns_per_mw[2][2];  /* 1 / (2 P_pi) */
  const float *static_theta_turns[2];
  const float *static_phi_turns; /* both stages' phi_0 added: only the sum reaches the field */
  const float *link[2][2][ODEV_LINKS]; /* halo */
  const float *partner[2];
  const float *b0[2], *b1[2];

  const float *input_re, *input_im;
  const float *output_re, *output_im; /* with the transform's 1/N */
  const float *reference;
  const float *responsivity_e; /* QE with PRNU */
  const float *dark_e_per_us;

  float memory; /* e^{-settle/tau} */
  float ambient_turns_per_k;
  float launch[ODEV_MAX_LAUNCH_STEPS][2];
  double signal_rate, reference_rate, stray_rate;
  double step_phase_rad[4];
  float rin, shot, read_variance_e2, full_well_e, dn_per_e, black_dn, dn_max;
  double drift_amplitude[ODEV_DRIFTS][ODEV_TONES], drift_omega[ODEV_DRIFTS][ODEV_TONES],
      drift_phase[ODEV_DRIFTS][ODEV_TONES];
  uint32_t key[2];
  int64_t write_ns, settle_ns, readout_ns;
  float *storage; /* one allocation behind all planes */
} odev_emulator_model;

/* What differs from frame to frame and from exposure to exposure. */
typedef struct {
  uint64_t frame;
  int steps;
  float ambient_turns;
  float launch_re, launch_im;     /* attenuator times root of the signal's photon rate */
  float reference_re[4], reference_im[4];
  float laser_noise[4];           /* 1 + RIN n */
  float stray;
  float exposure_us;
  uint32_t exposure_index;
} odev_exposure_light;

#endif
