/* kernels.h - the table of compiled kernels, one per instruction set, picked when a device is opened. */
#ifndef ODEV_KERNELS_H
#define ODEV_KERNELS_H

#include "../emulator/model.h"
#include "../host/codec.h"
#include "convolution_kernels.h"
#include "power_rows.h"
#include "slow_lens.h"

typedef struct {
  const char *name;
  int width;
  /* Physics.  Codes to powers on plain planes; codes to steady phases [turns] without the substrate's part
   * (theta a, theta b, and both phi, in mft their sum), with the powers' moments. */
  void (*heater_powers)(const odev_emulator_model *, const void *codes, float *power[4]);
  void (*steady_phases)(const odev_emulator_model *, const void *codes, odev_power_rows rows, float *turns[4],
                        odev_moments *moments);
  /* Phases to the field that leaves a chip: mft, both stages; 4f, stage a; and the field at chip b times
   * stage b, in place. */
  void (*chip_field)(const odev_emulator_model *, float *const now[4], float *const before[4],
                     const odev_theta_offset *, float *re, float *im);
  void (*second_chip)(const odev_emulator_model *, float *const now[4], float *const before[4],
                      const odev_theta_offset *, float *re, float *im);
  /* Field to spectrum: the transform, and the lens that rotates and magnifies. */
  void (*fft2)(const odev_fft_plan *, float *re, float *im, float *scratch);
  void (*slow_lens)(const odev_slow_lens *, float *re, float *im, float *scratch);
  /* Light to counts. */
  void (*detect)(const odev_emulator_model *, const odev_exposure_light *, const float *re,
                 const float *im, void *counts);
  /* Host: targets to codes, counts to spectra. */
  odev_encoded (*encode)(const odev_codec *, const float *x, const float *operand, int conjugate,
                         void *codes, float *scratch);
  odev_encoded (*encode_residual)(const odev_codec *, odev_encoded first, void *codes, void *residual_codes,
                                  float *scratch);
  uint32_t (*decode)(const odev_codec *, const void *counts, const uint8_t *launch_step, int exposures,
                     float scale, int conjugate, int accumulate, float *y);
  void (*pilot_gain)(const odev_codec *, const void *counts, double gain[2]);
  /* Complex numbers, interleaved, times one. */
  void (*turn)(float *y, size_t count, float re, float im);
  /* Random numbers, for tests and for the laser: words[4][16] and normals[4][16] of 16 pixels. */
  void (*random16)(const uint32_t key[2], const uint32_t counter[4], uint32_t *words, float *normals);
  odev_convolution_kernels convolution;
} odev_kernels;

extern const odev_kernels odev_kernels_base;
#if defined(__x86_64__) && !defined(ODEV_BASELINE_ONLY)
extern const odev_kernels odev_kernels_v3, odev_kernels_v4;
#endif

/* The widest this processor runs, or what the environment variable ODEV_KERNELS=base|v3|v4 names; null
 * when it names no kernels that run here. */
const odev_kernels *odev_kernels_pick(void);

/* By name, for tests; null when this processor cannot run it. */
const odev_kernels *odev_kernels_by_name(const char *name);

#endif
