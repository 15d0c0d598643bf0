/* codec.h - the calibrated model that encode inverts and decode divides by, laid out for the
 * kernels.  It is built from an odev_calibration alone; the emulator's truth is not visible here. */
#ifndef ODEV_CODEC_H
#define ODEV_CODEC_H

#include <stdint.h>

#include "../kernels/crosstalk_links.h"
#include "../kernels/geometry.h"
#include "optical_driver.h"

enum { ODEV_CODEC_MODES = 3 };

typedef struct {
  odev_geometry geometry;
  int float_codes, float_counts, has_crosstalk;
  int is_4f;                         /* the stages are chips of their own, with a lens between them */
  int steps;                         /* of the reference: 4, or 3 with the first one dark */
  float code_max;                    /* 2^bits - 1; 1 when unquantised */
  float input_power;                 /* mean |input_map|^2 */

  const float *rho[2];
  const float *half_over_rho[2]; /* 1 / (2 rho) */
  const float *per_reach2[2];    /* 1 / (1 + rho)^2: of the most power a stage passes */
  const float *theta0_turns[2];
  const float *mw_per_turn[2][2];
  const float *turns_per_mw[2][2];
  const float *slope_per_mw[2][2];
  const float *power_full_mw[2][2]; /* V^2 / R0 at full code */
  const float *per_power_full[2][2]; /* and the square of the full code over it */
  const float *link[2][2][ODEV_LINKS]; /* halo */
  const float *partner[2];
  float mean_links[2][2][3]; /* to a neighbour at a side, at a corner, and to the partner: inside the grid */
  const float *mean_sums[2][2][3]; /* 1 + sum of them, in the first row of pixels, in others, in the last */
  const float *jacobi_start[2][2]; /* 1 / (1 + sum of the couplings) */
  /* Phi b where only the sum of both phi counts: its codes are the same in all frames, and so is its power. */
  void *held_codes;
  const float *held_mw;           /* halo */
  const float *held_turns;        /* what it shows without theta b's heat */
  const float *held_turns_per_mw; /* what each mW of theta b's adds */
  const float *held_mixed;        /* the same, as mW of phi a's */
  int has_ring, has_substrate;
  float ring[3], ring_sum;
  /* Substrate: theta_0 holds the warmth of usual moments; what a frame's differ by is added [turns/mW]. */
  const float *cosine[ODEV_CODEC_MODES]; /* [ld]: cos(pi p (r + 1/2) / n) */
  double usual_mw[2][ODEV_CODEC_MODES][ODEV_CODEC_MODES]; /* of the chip; 4f: of each stage's */
  double warmth[ODEV_CODEC_MODES][ODEV_CODEC_MODES];      /* by moments of the power itself */
  double response[2][ODEV_CODEC_MODES][ODEV_CODEC_MODES]; /* by moments of the power before theta gives way */
  const float *inverse_input_re, *inverse_input_im;
  const float *inverse_middle_re, *inverse_middle_im; /* 4f */
  const float *wave;                                  /* 4f, [ld]: cos(2 pi u / n) */
  const float *inverse_output_re, *inverse_output_im;
  const float *reference_dn;         /* three steps: the reference alone, dark removed */
  const float *pilot_re, *pilot_im; /* expected Y of the pilot frame, DN */
  void *pilot_codes;
  uint8_t pilot_launch_step;

  float leak_re, leak_im, leak_norm; /* conjugate leak and 1 / (1 - |leak|^2) */
  float launch_inverse[ODEV_MAX_LAUNCH_STEPS][2];
  float launch_power[ODEV_MAX_LAUNCH_STEPS]; /* |gain|^2 */
  int launch_steps;
  float black_dn, saturation_dn, gain_e_per_dn, read_variance_dn2;
  /* Largest |Y| (DN, at launch gain 1) per unit |field spectrum|, and the |Y| that saturates. */
  float output_peak, amplitude_limit;
  float *storage;
} odev_codec;

/* One frame's encoding, as decode and the schedule need it. */
typedef struct {
  float scale;      /* field on the chip = scale * x */
  float chip_scale; /* the same, of the normalised target that the scratch still holds */
  float peak;       /* predicted |F(field)|^2 at its strongest bin */
  float operand_scale; /* stage b shows this much of the normalised operand; 0: both stages share one target */
} odev_encoded;

/* Floats of scratch for one thread's encoding. */
size_t odev_encode_scratch_size(int n);

int odev_codec_init(odev_codec *codec, const odev_caps *caps, const odev_calibration *calibration);
void odev_codec_free(odev_codec *codec);

/* The brightest attenuator step that keeps the predicted peak below saturation. */
uint8_t odev_launch_step_for(const odev_codec *codec, float peak);

#endif
