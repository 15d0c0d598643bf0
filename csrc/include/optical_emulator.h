/* optical_emulator.h - opening the emulator on fabrication values.
 *
 * These are the truth about one emulated device.  They are for whoever builds the emulator: the
 * driver's side never sees them.  docs/physics.md has the equations.
 */
#ifndef OPTICAL_EMULATOR_H
#define OPTICAL_EMULATOR_H

#include "optical_backend.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Planes are n x n doubles (complex: interleaved), stage before heater; copied by the call. */
typedef struct odev_emulator_spec {
  uint32_t struct_size;
  uint32_t n, dac_bits, adc_bits, launch_steps;
  uint32_t layout, reference_steps; /* as in odev_caps */
  uint32_t shot_noise, poisson;     /* poisson: the exact distribution in place of its Gaussian limit */
  uint32_t slow_lens;               /* the last lens with rotation, magnification and wavelength */
  uint32_t follows_wavelength;
  uint64_t seed;
  const char *serial;
  int64_t write_ns, settle_ns, exposure_ns, readout_ns, exposure_min_ns, exposure_max_ns;
  double launch_step_db;
  double laser_nominal_mw, laser_max_mw;
  const double *dac_bow;                 /* [2][2][n]: of each row's converter, of full scale */
  const double *dac_bit_error;           /* [2][2][n][4]: of its four leading bits */
  const double *power_full_mw;           /* [2][2] */
  const double *resistance_slope_per_mw; /* [2][2] */
  const double *p_pi_mw;                 /* [2][2] */
  const double *static_phase_rad;        /* [2][2] */
  const double *links;                   /* [2][2][4] */
  const double *partner;                 /* [2] */
  const double *ring;                    /* [3]: coefficients at distances 2, root 5, root 8 */
  const double *substrate_k_per_mw;      /* [3][3]: of the chip's cosine modes */
  const double *b0, *b1;                 /* [2] */
  const double *input_map;               /* complex */
  const double *middle_map;              /* complex; read in layout 4f only */
  const double *output_map;              /* complex */
  const double *reference_map;
  const double *qe_map, *dark_e_per_s_map;
  const double *launch_gain;             /* [launch_steps] complex */
  const double *step_phase_rad;          /* [4] */
  const double *drift_amplitude, *drift_omega_rad_per_s, *drift_phase_rad; /* [6][12] */
  double transient_memory;               /* e^{-settle/tau} */
  double ambient_rad_per_k, wavelength_rad_per_pm;
  double interlock_k;                    /* infinite: none */
  double rotation_rad, magnification, wavelength_nm;
  double signal_rate_photons_per_us, reference_rate_photons_per_us, stray_rate_photons_per_us;
  double relative_intensity_noise;
  double read_noise_e, full_well_e, gain_e_per_dn, black_level_dn;
  double ambient_k, temperature_offset_k, temperature_noise_k, laser_sensor_gain, laser_sensor_noise;
} odev_emulator_spec;

ODEV_API odev_status odev_open_emulator(const odev_emulator_spec *spec, odev_device **device);
/* The same as a backend, for odev_open_backend or for a wrapper around it; the sheet may be null. */
ODEV_API odev_status odev_make_emulator(const odev_emulator_spec *spec, const odev_data_sheet *sheet,
                                        odev_backend *backend, void **context);
/* Writes a device to a new file, for odev_open("emulator:PATH") of this build on such a machine. */
ODEV_API odev_status odev_save_emulator(const odev_emulator_spec *spec, const odev_data_sheet *sheet,
                                        const char *path);

#ifdef __cplusplus
}
#endif
#endif
