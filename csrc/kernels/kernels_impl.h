/* kernels_impl.h - instantiates every kernel at width ODEV_W into the table ODEV_KERNEL_TABLE. */
#include "decode_impl.h"
#include "emulate_impl.h"
#include "encode_impl.h"
#include "heat_impl.h"
#include "kernels.h"
#include "seams_impl.h"
#include "segments_impl.h"
#include "spectra_impl.h"
#include "slow_lens_impl.h"

static void heater_powers(const odev_emulator_model *m, const void *codes, float *power[4]) {
  heater_powers_impl(m, codes, power);
}
static void steady_phases(const odev_emulator_model *m, const void *codes, odev_power_rows rows, float *turns[4],
                          odev_moments *moments) {
  steady_phases_impl(m, codes, rows, turns, moments);
}
static void chip_field(const odev_emulator_model *m, float *const now[4], float *const before[4],
                       const odev_theta_offset *offset, float *re, float *im) {
  if (m->is_4f)
    chip_field_impl(m, now, before, offset, re, im, 1);
  else
    chip_field_impl(m, now, before, offset, re, im, 0);
}
static void second_chip(const odev_emulator_model *m, float *const now[4], float *const before[4],
                        const odev_theta_offset *offset, float *re, float *im) {
  second_chip_impl(m, now, before, offset, re, im);
}
static void fft2(const odev_fft_plan *plan, float *re, float *im, float *scratch) {
  fft2_impl(plan, re, im, scratch);
}
static void slow_lens(const odev_slow_lens *lens, float *re, float *im, float *scratch) {
  slow_lens_impl(lens, re, im, scratch);
}
#define DETECT(STEPS)                                                    \
  static void detect##STEPS(const odev_emulator_model *m, const odev_exposure_light *l, const float *re,  \
                            const float *im, void *counts) {             \
    if (m->noise == ODEV_NOISE_GAUSSIAN)                                 \
      detect_impl(m, l, STEPS, ODEV_NOISE_GAUSSIAN, re, im, counts);     \
    else if (m->noise == ODEV_NOISE_POISSON)                             \
      detect_impl(m, l, STEPS, ODEV_NOISE_POISSON, re, im, counts);      \
    else                                                                 \
      detect_impl(m, l, STEPS, ODEV_NOISE_NONE, re, im, counts);         \
  }
DETECT(1)
DETECT(3)
DETECT(4)
static void detect(const odev_emulator_model *m, const odev_exposure_light *l, const float *re,
                   const float *im, void *counts) {
  (l->steps == 4 ? detect4 : l->steps == 3 ? detect3 : detect1)(m, l, re, im, counts);
}
static odev_encoded encode(const odev_codec *k, const float *x, const float *operand, int conjugate,
                           void *codes, float *scratch) {
  /* Sizes that the compiler knows leave it registers for the rows: most frames are like this. */
  if (k->geometry.n == 64 && !k->float_codes && k->has_crosstalk && k->has_ring && !operand)
    return encode_frame_impl(k, odev_geometry_of(64), 0, 1, 1, x, NULL, conjugate, codes, scratch);
  return encode_frame_impl(k, k->geometry, k->float_codes, k->has_crosstalk, k->has_ring, x, operand, conjugate, codes,
                           scratch);
}
static odev_encoded encode_residual(const odev_codec *k, odev_encoded first, void *codes, void *residual_codes,
                                    float *scratch) {
  return encode_residual_impl(k, k->geometry, first, codes, residual_codes, scratch);
}
static uint32_t decode(const odev_codec *k, const void *counts, const uint8_t *launch_step, int exposures,
                       float scale, int conjugate, int accumulate, float *y) {
  const odev_geometry g = k->geometry;
  if (k->steps == 3)
    return decode_frame_impl(k, g, k->float_counts, counts, launch_step, exposures, scale, conjugate, accumulate, 3, y);
  if (g.n == 64 && !k->float_counts && !accumulate && exposures == 1) /* known sizes again */
    return decode_frame_impl(k, odev_geometry_of(64), 0, counts, launch_step, 1, scale, conjugate, 0, 4, y);
  if (g.n == 64 && !k->float_counts && !accumulate && exposures == 2)
    return decode_frame_impl(k, odev_geometry_of(64), 0, counts, launch_step, 2, scale, conjugate, 0, 4, y);
  return decode_frame_impl(k, g, k->float_counts, counts, launch_step, exposures, scale, conjugate, accumulate, 4, y);
}
static void turn(float *y, size_t count, float re, float im) { turn_impl(y, count, re, im); }
static void pilot_gain(const odev_codec *k, const void *counts, double gain[2]) {
  pilot_gain_impl(k, counts, k->steps, gain);
}
static void random16(const uint32_t key[2], const uint32_t counter[4], uint32_t *words, float *normals) {
  for (uint32_t first = 0; first < ODEV_LANES; first += W) {
    vu c[4];
    philox4x32_7(vset_u(counter[0] + first) + vlane_index(), counter[1], counter[2], counter[3], key[0], key[1], c);
    vf n[4];
    box_muller(c[0], c[1], &n[0], &n[1]);
    box_muller(c[2], c[3], &n[2], &n[3]);
    for (uint32_t i = 0; i < 4; ++i) {
      memcpy(words + i * ODEV_LANES + first, &c[i], sizeof c[i]);
      vstore(normals + i * ODEV_LANES + first, n[i]);
    }
  }
}

static void moments(const float *rows, int pitch, int height, int width, double sums[ODEV_COEFFICIENTS]) {
  moments_impl(rows, pitch, height, width, sums);
}
static void subtract(float *rows, int pitch, int height, int width, const float coefficients[ODEV_COEFFICIENTS]) {
  subtract_impl(rows, pitch, height, width, coefficients);
}
static double energy(const float *x, size_t count) { return energy_impl(x, count); }
static float largest(const float *x, size_t count) { return largest_impl(x, count); }
static void pack(const float *a, const float *b, float a_factor, float b_factor, size_t count, float *frame) {
  pack_impl(a, b, a_factor, b_factor, count, frame);
}
static void put_row(const float *z, int part, int count, float factor, const float polynomial[3], float first, int add,
                    float *row) {
  put_row_impl(z, part, count, factor, polynomial, first, add, row);
}
static void carry(int inputs, const float *polynomials, size_t stride, const float *kernel,
                  float result[ODEV_COEFFICIENTS]) {
  carry_impl(inputs, polynomials, stride, kernel, result);
}
static void separate(odev_bins bins, const float *frame, int pictures, const float scale[2], size_t stride, float *a) {
  separate_impl(bins, frame, pictures, scale, stride, a);
}
static double half_plane_energy(odev_bins bins, const float *a, size_t stride) {
  return half_plane_energy_impl(bins, a, stride);
}
static void join(odev_bins bins, const float *a, int pictures, const float factor[2], size_t stride, float *frame) {
  join_impl(bins, a, pictures, factor, stride, frame);
}
static void multiply(const odev_product_shape *shape, const float *x, const float *k, float *y) {
  multiply_impl(shape, x, k, y);
}
static void kernel_rows(int ld, int taps_h, int taps_w, const float *weight, const float *turn_h, float *rows) {
  kernel_rows_impl(ld, taps_h, taps_w, weight, turn_h, rows);
}
static void kernel_block(odev_bins bins, int ld, int block, int taps_w, const float *turn_w, const float *rows,
                         size_t count, float *spectra) {
  kernel_block_impl(bins, ld, block, taps_w, turn_w, rows, count, spectra);
}
static void kernel_taps(int taps, const float *turns, const float *weight, size_t count, float *spectra) {
  kernel_taps_impl(taps, turns, weight, count, spectra);
}
static void correlate_taps(int tiles, const float *x, size_t x_tile, const float *g, size_t g_tile, int taps,
                      const float *turn, float *sums) {
  correlate_taps_impl(tiles, x, x_tile, g, g_tile, taps, turn, sums);
}
static void seam(const odev_seam_shape *shape, int taps_across, const float *rows, const float *w, int outputs,
                 size_t pitch, float *sums) {
  seam_impl(shape, taps_across, rows, w, outputs, pitch, sums);
}

const odev_kernels ODEV_KERNEL_TABLE = {
    ODEV_KERNEL_NAME, ODEV_W, heater_powers,   steady_phases, chip_field, second_chip, fft2,     slow_lens,
    detect,           encode, encode_residual, decode,        pilot_gain, turn,
    random16,
    .convolution = {moments, subtract, energy, largest, pack, put_row, separate, half_plane_energy, join, multiply,
                    kernel_rows, kernel_block, kernel_taps, correlate_taps, carry, seam},
};
