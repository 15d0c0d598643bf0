/* fuzz_calibration.c - odev_load_calibration with any descriptor, and a transform with what it took. */
#include "fuzz.h"
#include "tests/small_emulator.h"

static small_planes planes;

/* An array of just its size, whose values repeat a few of the input's. */
static double *values(fuzz_input *in, size_t count, const double *usual) {
  const uint8_t how = fuzz_u8(in);
  if (how == 255) return NULL;
  double *made = malloc(count * sizeof *made);
  if (!made) return NULL;
  memcpy(made, usual, count * sizeof *made);
  for (size_t i = 0; i < how % 4u; ++i) {
    const size_t at = fuzz_u32(in) % count;
    made[at] = fuzz_double(in);
    for (size_t j = at; how & 64 && j < count; ++j) made[j] = made[at];
  }
  return made;
}

static odev_device *open_small(void) {
  fill_small_planes(&planes);
  const odev_emulator_spec spec = small_emulator(&planes);
  odev_device *device = NULL;
  FUZZ_CHECK(odev_open_emulator(&spec, &device) == ODEV_OK);
  return device;
}

static void transform(odev_device *device, fuzz_input *in) {
  float x[2 * SMALL_PIXELS], y[2 * SMALL_PIXELS];
  for (int i = 0; i < 2 * SMALL_PIXELS; ++i) x[i] = (float)(i % 5) - 2;
  const odev_transform_job job = {.struct_size = sizeof job, .items = 1, .residual = fuzz_u8(in) & 1,
                                  .exposures = 2, .brighten = {0, fuzz_u8(in)}, .retries = 2, .pilot_period = 24,
                                  .exposure_ns = 10000, .laser_on = 1, .x = x, .y = y};
  FUZZ_CHECK(odev_run_transform(device, &job, NULL) == ODEV_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static odev_device *device;
  if (!device) device = open_small();
  fuzz_input in = {data, size};
  odev_calibration c = small_calibration(&planes);
  const uint8_t what = fuzz_u8(&in);
  if (what & 1) c.struct_size = fuzz_u32(&in);
  if (what & 2) c.n = fuzz_u32(&in);
  if (what & 4) c.launch_steps = fuzz_u32(&in);
  if (what & 8) c.pilot_launch_step = fuzz_u32(&in);
  double *const scalars[] = {&c.conjugate_leak[0], &c.conjugate_leak[1], &c.black_dn, &c.saturation_dn,
                             &c.reference_dn, &c.gain_e_per_dn, &c.read_noise_dn};
  const uint8_t which = fuzz_u8(&in);
  for (size_t i = 0; i < sizeof scalars / sizeof *scalars; ++i)
    if (which >> i & 1) *scalars[i] = fuzz_double(&in);
  double *const arrays[] = {
      values(&in, 4 * SMALL_PIXELS, planes.one), values(&in, 2 * SMALL_PIXELS, planes.one),
      values(&in, 2 * SMALL_PIXELS, planes.zero), values(&in, 4 * SMALL_PIXELS, planes.one),
      values(&in, 4 * SMALL_PIXELS, planes.little), values(&in, 16 * SMALL_PIXELS, planes.little),
      values(&in, 2 * SMALL_PIXELS, planes.little), values(&in, 2 * SMALL_PIXELS, planes.real_one),
      values(&in, 2 * SMALL_PIXELS, planes.real_one), values(&in, 2 * SMALL_STEPS, planes.launch_gain),
      values(&in, 2 * SMALL_PIXELS, planes.spectrum), values(&in, 3, planes.little), values(&in, 9, planes.little)};
  c.power_full_mw = arrays[0], c.rho = arrays[1], c.theta0_rad = arrays[2], c.kappa_rad_per_mw = arrays[3];
  c.beta_per_mw = arrays[4], c.links = arrays[5], c.partner = arrays[6], c.input_map = arrays[7];
  c.output_map = arrays[8], c.launch_gain = arrays[9], c.pilot_spectrum = arrays[10];
  c.ring = arrays[11], c.substrate_rad_per_mw = arrays[12];
  uint16_t *pilot = malloc(4 * SMALL_PIXELS * sizeof *pilot);
  for (int i = 0; pilot && i < 4 * SMALL_PIXELS; ++i) pilot[i] = (uint16_t)(what & 16 ? fuzz_u32(&in) : 100u);
  c.pilot_codes = what & 32 ? NULL : pilot;
  const odev_status status = odev_load_calibration(device, &c);
  FUZZ_CHECK(status == ODEV_OK || odev_last_message()[0] != '\0');
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; ++i) free(arrays[i]);
  free(pilot); /* it was copied */
  if (status == ODEV_OK) transform(device, &in);
  return 0;
}
