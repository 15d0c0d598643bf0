/* kernels.h - the table of compiled kernels, one per instruction set, picked when a device is opened. */
#ifndef ODEV_KERNELS_H
#define ODEV_KERNELS_H

#include "../emulator/model.h"
#include "../host/codec.h"

typedef struct {
  const char *name;
  int width;
  /* Physics: codes to powers, powers to phases, phases to field, field to spectrum, light to counts. */
  void (*heater_powers)(const odev_emulator_model *, const void *codes, float *power[4]);
  void (*steady_phases)(const odev_emulator_model *, float *const power[4], float *turns[3]);
  void (*chip_field)(const odev_emulator_model *, float *const now[3], float *const before[3],
                     float ambient_turns, float *re, float *im);
  void (*fft2)(const odev_fft_plan *, float *re, float *im, float *scratch);
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
  /* Random numbers, for tests and for the laser: words[4][16] and normals[4][16] of 16 pixels. */
  void (*random16)(const uint32_t key[2], const uint32_t counter[4], uint32_t *words, float *normals);
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
