/* small_emulator.h - an emulated device of 8 x 8 pixels and a calibration that fits it, for tests in C. */
#ifndef ODEV_TESTS_SMALL_EMULATOR_H
#define ODEV_TESTS_SMALL_EMULATOR_H

#include <math.h>

#include "check.h"
#include "optical_emulator.h"

enum { SMALL_N = 8, SMALL_PIXELS = SMALL_N * SMALL_N, SMALL_STEPS = 32 };

/* Planes of one value, as many as any field takes; and complex ones. */
typedef struct {
  double zero[16 * SMALL_PIXELS], little[16 * SMALL_PIXELS], half[4 * SMALL_PIXELS], one[4 * SMALL_PIXELS];
  double real_one[2 * SMALL_PIXELS], spectrum[2 * SMALL_PIXELS], launch_gain[2 * SMALL_STEPS];
  uint16_t pilot_codes[4 * SMALL_PIXELS];
} small_planes;

static inline void fill_small_planes(small_planes *p) {
  memset(p, 0, sizeof *p);
  for (int i = 0; i < 16 * SMALL_PIXELS; ++i) p->little[i] = 0.01;
  for (int i = 0; i < 4 * SMALL_PIXELS; ++i) p->half[i] = 0.5, p->one[i] = 1, p->pilot_codes[i] = (uint16_t)(i * 40);
  for (int i = 0; i < SMALL_PIXELS; ++i) p->real_one[2 * i] = 1, p->spectrum[2 * i] = 100;
  for (int i = 0; i < SMALL_STEPS; ++i) p->launch_gain[2 * i] = pow(10, -1.5 * i / 20);
}

static inline odev_emulator_spec small_emulator(const small_planes *p) {
  return (odev_emulator_spec){
      .struct_size = sizeof(odev_emulator_spec), .n = SMALL_N, .dac_bits = 14, .adc_bits = 12,
      .launch_steps = SMALL_STEPS, .layout = ODEV_LAYOUT_MFT, .reference_steps = 4, .shot_noise = 1, .seed = 7, .serial = "small", .write_ns = 100,
      .settle_ns = 1000, .exposure_ns = 10000, .readout_ns = 100, .exposure_min_ns = 1,
      .exposure_max_ns = 1000000, .launch_step_db = 1.5, .laser_nominal_mw = 10, .laser_max_mw = 20,
      .dac_bow = p->zero, .dac_bit_error = p->zero, .power_full_mw = p->one, .resistance_slope_per_mw = p->little, .p_pi_mw = p->half,
      .static_phase_rad = p->zero, .links = p->little, .partner = p->little, .ring = p->little,
      .substrate_k_per_mw = p->zero, .b0 = p->half, .b1 = p->half,
      .input_map = p->real_one, .middle_map = p->real_one, .output_map = p->real_one, .reference_map = p->one, .qe_map = p->half,
      .dark_e_per_s_map = p->one, .launch_gain = p->launch_gain, .step_phase_rad = p->zero,
      .drift_amplitude = p->zero, .drift_omega_rad_per_s = p->zero, .drift_phase_rad = p->zero,
      .signal_rate_photons_per_us = 1000, .reference_rate_photons_per_us = 1000, .read_noise_e = 30,
      .full_well_e = 1e5, .gain_e_per_dn = 25, .black_level_dn = 50, .ambient_k = 300,
      .interlock_k = (double)INFINITY, .magnification = 1, .wavelength_nm = 1550};
}

static inline odev_calibration small_calibration(const small_planes *p) {
  return (odev_calibration){
      .struct_size = sizeof(odev_calibration), .n = SMALL_N, .launch_steps = SMALL_STEPS, .pilot_launch_step = 4,
      .power_full_mw = p->one, .rho = p->one, .theta0_rad = p->zero, .kappa_rad_per_mw = p->one,
      .beta_per_mw = p->little, .links = p->little, .partner = p->little, .ring = p->little,
      .substrate_rad_per_mw = p->little, .input_map = p->real_one,
      .output_map = p->real_one, .launch_gain = p->launch_gain, .pilot_spectrum = p->spectrum,
      .pilot_codes = p->pilot_codes, .black_dn = 50, .saturation_dn = 4000, .reference_dn = 200,
      .gain_e_per_dn = 25, .read_noise_dn = 1};
}

#endif
