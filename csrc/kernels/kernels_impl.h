/* kernels_impl.h - instantiates every kernel at width ODEV_W into the table ODEV_KERNEL_TABLE. */
#include "decode_impl.h"
#include "emulate_impl.h"
#include "encode_impl.h"
#include "kernels.h"

static void heater_powers(const odev_emulator_model *m, const void *codes, float *power[4]) {
  heater_powers_impl(m, codes, power);
}
static void steady_phases(const odev_emulator_model *m, float *const power[4], float *turns[3]) {
  steady_phases_impl(m, power, turns);
}
static void chip_field(const odev_emulator_model *m, float *const now[3], float *const before[3],
                       float ambient_turns, float *re, float *im) {
  chip_field_impl(m, now, before, ambient_turns, re, im);
}
static void fft2(const odev_fft_plan *plan, float *re, float *im, float *scratch) {
  fft2_impl(plan, re, im, scratch);
}
static void detect(const odev_emulator_model *m, const odev_exposure_light *l, const float *re,
                   const float *im, void *counts) {
  if (l->steps == 4 && m->has_noise)
    detect_impl(m, l, 4, 1, re, im, counts);
  else if (l->steps == 4)
    detect_impl(m, l, 4, 0, re, im, counts);
  else
    detect_impl(m, l, 1, m->has_noise, re, im, counts);
}
static odev_encoded encode(const odev_codec *k, const float *x, const float *operand, int conjugate,
                           void *codes, float *scratch) {
  return encode_frame_impl(k, x, operand, conjugate, codes, scratch);
}
static odev_encoded encode_residual(const odev_codec *k, odev_encoded first, void *codes, void *residual_codes,
                                    float *scratch) {
  return encode_residual_impl(k, first, codes, residual_codes, scratch);
}
static uint32_t decode(const odev_codec *k, const void *counts, const uint8_t *launch_step, int exposures,
                       float scale, int conjugate, int accumulate, float *y) {
  return decode_frame_impl(k, counts, launch_step, exposures, scale, conjugate, accumulate, y);
}
static void pilot_gain(const odev_codec *k, const void *counts, double gain[2]) {
  pilot_gain_impl(k, counts, gain);
}
static void random16(const uint32_t key[2], const uint32_t counter[4], uint32_t *words, float *normals) {
  for (uint32_t first = 0; first < ODEV_LANES; first += W) {
    vu c[4] = {vset_u(counter[0] + first) + vlane_index(), vset_u(counter[1]), vset_u(counter[2]), vset_u(counter[3])};
    philox4x32_7(c, key[0], key[1]);
    vf n[4];
    box_muller(c[0], c[1], &n[0], &n[1]);
    box_muller(c[2], c[3], &n[2], &n[3]);
    for (uint32_t i = 0; i < 4; ++i) {
      memcpy(words + i * ODEV_LANES + first, &c[i], sizeof c[i]);
      vstore(normals + i * ODEV_LANES + first, n[i]);
    }
  }
}

const odev_kernels ODEV_KERNEL_TABLE = {
    ODEV_KERNEL_NAME, ODEV_W,  heater_powers, steady_phases, chip_field, fft2, detect,
    encode,           encode_residual, decode, pilot_gain,  random16,
};
