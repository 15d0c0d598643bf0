/* stages.h - the stages of the frame path one by one, for tests against the golden model. */
#ifndef ODEV_TESTING_STAGES_H
#define ODEV_TESTING_STAGES_H

#include "optical_backend.h"
#include "optical_emulator.h"

/* What each stage of one frame yields; natural n x n order, planes that are null are not written. */
typedef struct odev_stage_outputs {
  float *power_mw;     /* [2][2] */
  float *phase_turns;  /* [4]: theta a, theta b, phi a, phi b (mft: both added, and nothing); steady, without
                          phi_0 and the substrate's part */
  float *field;        /* complex: on the chip's output plane; 4f: on chip a's */
  float *spectrum;     /* complex: on the camera, transforms unnormalised */
  double *moments_mw;  /* [2][3][3]: of the powers, by cosine mode */
} odev_stage_outputs;

/* The first frame of `block` on the kernels named ("base", "v3", "v4"). */
odev_status odev_stages_run(const odev_emulator_spec *spec, const char *kernels, const odev_block *block,
                            const odev_stage_outputs *out);

enum { ODEV_STAGE_HEAT, ODEV_STAGE_FIELD, ODEV_STAGE_LENS, ODEV_STAGE_DETECT, ODEV_STAGES };

/* Seconds that each stage of the block's frames takes on one thread: codes to phases, phases to field (4f:
 * of both chips), field to spectrum (4f: both lenses), spectrum to counts. */
odev_status odev_stages_time(const odev_emulator_spec *spec, const char *kernels, const odev_block *block,
                             double seconds[4]);

/* Unnormalised forward transform of one complex n x n frame, in place. */
odev_status odev_stages_fft2(const char *kernels, uint32_t n, float *frame);

/* Seconds that so many such transforms take on one thread, frame after frame in place on planes in cache. */
odev_status odev_stages_time_fft2(const char *kernels, uint32_t n, uint32_t frames, double *seconds);

/* words and normals of 16 pixels from counter[0] on: [4][16] each. */
odev_status odev_stages_random(const char *kernels, const uint32_t key[2], const uint32_t counter[4],
                               uint32_t *words, float *normals);

#endif
