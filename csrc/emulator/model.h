/* model.h - one fabricated device, laid out for the kernels.  Nothing above the device boundary
 * includes this file: it is the truth that a calibration has to find. */
#ifndef ODEV_EMULATOR_MODEL_H
#define ODEV_EMULATOR_MODEL_H

#include <stdint.h>

#include "../kernels/crosstalk_links.h"
#include "../kernels/fft.h"
#include "optical_driver.h"

enum {
  ODEV_DRIFT_PHASE,
  ODEV_DRIFT_POWER,
  ODEV_DRIFT_AMBIENT,
  ODEV_DRIFT_GRADIENT_ROW,
  ODEV_DRIFT_GRADIENT_COLUMN,
  ODEV_DRIFT_WAVELENGTH,
  ODEV_DRIFTS,
  ODEV_TONES = 12
};

/* Cosine modes of the substrate in each axis; the converter's row: a table over the four leading bits, then
 * slope and bend of u' = table + code (slope + bend code); terms of the heaters' P(P0). */
enum { ODEV_MODES = 3, ODEV_DAC_SLOPE = 16, ODEV_DAC_BEND, ODEV_DAC_ROW, ODEV_POWER_TERMS = 7 };

typedef enum { ODEV_NOISE_NONE, ODEV_NOISE_GAUSSIAN, ODEV_NOISE_POISSON } odev_noise;

typedef struct {
  odev_geometry geometry;
  odev_fft_plan fft;
  int is_4f, reference_steps;
  int float_codes, float_counts;
  int has_dac_errors, has_crosstalk, has_ring, has_substrate;
  int leading_shift; /* codes to their four leading bits */

  /* Per stage and heater; plain planes unless said. */
  const float *dac[2][2];           /* [n][ODEV_DAC_ROW] */
  const float *power_full_mw[2][2]; /* P0 of a drive of 1: of u', or without converter errors of a code */
  const float *slope4_per_mw[2][2]; /* 4 beta */
  /* P / P0 as a polynomial in 4 beta P0, lowest term first, if that stays small enough. */
  int has_power_polynomial;
  float power_polynomial[ODEV_POWER_TERMS];
  const float *turns_per_mw[2][2];  /* 1 / (2 P_pi) */
  const float *static_theta_turns[2];
  /* phi_0 with the phase of the maps that the stage multiplies; mft: [0] is both stages' sum, which is all
   * that reaches the field. */
  const float *static_phi_turns[2];
  const float *link[2][2][ODEV_LINKS]; /* halo */
  const float *partner[2];
  float ring[3];
  /* Amplitudes of the arms, with the input map's in stage a, 4f: the middle map's in stage b. */
  const float *b0[2], *b1[2];

  /* The camera's planes: map and beam with the root of the quantum efficiency, map with the lens's 1/N. */
  const float *output_re, *output_im;
  const float *reference;
  const float *responsivity_e; /* QE with PRNU */
  const float *dark_e_per_us;

  float memory; /* e^{-settle/tau} */
  const float *cosine[ODEV_MODES]; /* [ld]: cos(pi p (r + 1/2) / n) */
  const float *ramp;               /* [ld]: (r - c) / n */
  double substrate_k_per_mw[ODEV_MODES][ODEV_MODES];
  double ambient_k, interlock_k;
  double ambient_turns_per_k, wavelength_turns_per_pm;

  int slow_lens, follows_wavelength;
  double rotation_rad, magnification, wavelength_pm;

  float launch[ODEV_MAX_LAUNCH_STEPS][2];
  double signal_rate, reference_rate, stray_rate;
  double step_phase_rad[4];
  odev_noise noise;
  float rin, shot, read_variance_e2, read_noise_e, full_well_e, dn_per_e, black_dn, dn_max;
  double drift_amplitude[ODEV_DRIFTS][ODEV_TONES], drift_hz[ODEV_DRIFTS][ODEV_TONES],
      drift_turns[ODEV_DRIFTS][ODEV_TONES];
  uint32_t key[2];
  int64_t write_ns, settle_ns, readout_ns;
  float *storage; /* one allocation behind all planes */
} odev_emulator_model;

/* Power of the heaters, by cosine mode of the chip: [0] the whole chip's; 4f: each stage's own chip. */
typedef struct {
  double mode[2][ODEV_MODES][ODEV_MODES]; /* mW */
} odev_moments;

/* What is added to theta [turns]: a plane's base and slopes, and the substrate's modes by stage. */
typedef struct {
  float base, per_row, per_column; /* slopes: across the grid */
  float mode[2][ODEV_MODES][ODEV_MODES];
} odev_theta_offset;

/* What differs from frame to frame and from exposure to exposure. */
typedef struct {
  uint64_t frame;
  int steps;
  float launch_re, launch_im;     /* attenuator times root of the signal's photon rate */
  float reference_re[4], reference_im[4];
  float laser_noise[4];           /* 1 + RIN n */
  float stray;
  float exposure_us;
  uint32_t exposure_index;
} odev_exposure_light;

#endif
