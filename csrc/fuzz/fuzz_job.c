/* fuzz_job.c - any descriptor of any job, blocking, submitted, cancelled or stopped, on arrays of just the
 * size that its header asks for. */
#include "fuzz.h"
#include "tests/small_emulator.h"

enum { MOST_FRAMES = 3, CODES = 4 * SMALL_PIXELS };

static void *bytes(fuzz_input *in, size_t size) {
  uint8_t *made = malloc(size ? size : 1);
  FUZZ_CHECK(made);
  fuzz_take(in, made, size);
  /* What the input does not reach repeats its beginning. */
  for (size_t i = 64; i < size; ++i) made[i] = made[i - 64];
  return made;
}

static odev_device *open_small(void) {
  static small_planes planes;
  fill_small_planes(&planes);
  const odev_emulator_spec spec = small_emulator(&planes);
  const odev_calibration calibration = small_calibration(&planes);
  odev_device *device = NULL;
  FUZZ_CHECK(odev_open_emulator(&spec, &device) == ODEV_OK);
  FUZZ_CHECK(odev_load_calibration(device, &calibration) == ODEV_OK);
  return device;
}

static void take(odev_ticket *ticket, uint8_t how, odev_result *result) {
  if (how & 1) FUZZ_CHECK(odev_cancel(ticket) == ODEV_OK);
  if (how & 2) FUZZ_CHECK(odev_abort(ticket) == ODEV_OK);
  if (how & 4) odev_poll(ticket, 1000);
  if (how & 8 && odev_wait(ticket, 0, result) != ODEV_ERR_TIMEOUT) return;
  const odev_status status = odev_wait(ticket, -1, result);
  FUZZ_CHECK(status == ODEV_OK || status == ODEV_ERR_CANCELLED);
}

static uint32_t size_of(fuzz_input *in, uint8_t bent, size_t right) { return bent & 1 ? fuzz_u32(in) : (uint32_t)right; }

static void expose(odev_device *device, fuzz_input *in, uint8_t how) {
  const uint8_t bent = fuzz_u8(in);
  odev_expose_job job = {.struct_size = size_of(in, bent, sizeof job), .frames = fuzz_u8(in) % (MOST_FRAMES + 1u),
                         .exposures = bent & 2 ? fuzz_u32(in) : 1 + fuzz_u8(in) % 3u,
                         .reference = bent & 4 ? fuzz_u32(in) : fuzz_u8(in) % 3u, .laser_on = fuzz_u8(in) & 1,
                         .threads = (int32_t)fuzz_u32(in),
                         .exposure_ns = bent & 8 ? (int64_t)((uint64_t)fuzz_u32(in) << (bent >> 2)) : 10000};
  /* A header that is refused for its exposures is not read further. */
  const size_t exposures = job.exposures <= 255 ? job.exposures : 1;
  uint16_t *codes = bytes(in, job.frames * CODES * sizeof(uint16_t));
  for (size_t i = 0; !(bent & 16) && i < job.frames * (size_t)CODES; ++i) codes[i] &= 0x3fff;
  uint8_t *steps = bytes(in, job.frames * exposures);
  for (size_t i = 0; !(bent & 32) && i < job.frames * exposures; ++i) steps[i] %= SMALL_STEPS;
  void *counts = malloc(job.frames * exposures * 4 * SMALL_PIXELS * sizeof(uint16_t) + 1);
  job.codes = bent & 64 ? NULL : codes, job.launch_step = steps, job.counts = counts;
  odev_result result = {.struct_size = size_of(in, bent >> 7, sizeof result)};
  odev_ticket *ticket = NULL;
  if (how & 16) odev_run_expose(device, &job, &result);
  else if (odev_submit_expose(device, &job, &ticket) == ODEV_OK) take(ticket, how, NULL);
  free(codes);
  free(steps);
  free(counts);
}

static void transform(odev_device *device, fuzz_input *in, uint8_t how) {
  const uint8_t bent = fuzz_u8(in);
  odev_transform_job job = {.struct_size = size_of(in, bent, sizeof job), .items = fuzz_u8(in) % (MOST_FRAMES + 1u),
                            .threads = (int32_t)fuzz_u32(in), .inverse = fuzz_u8(in), .residual = fuzz_u8(in) & 1,
                            .exposures = bent & 2 ? fuzz_u32(in) : 1 + fuzz_u8(in) % 3u,
                            .retries = bent & 4 ? fuzz_u32(in) : fuzz_u8(in) % 4u, .pilot_period = fuzz_u32(in),
                            .pilot_max_age_ns = (int64_t)fuzz_u32(in) << (bent >> 3), .laser_on = fuzz_u8(in) & 1,
                            .exposure_ns = bent & 8 ? (int64_t)fuzz_u32(in) << (bent >> 3) : 10000};
  fuzz_take(in, job.brighten, sizeof job.brighten);
  const size_t floats = job.items * 2 * (size_t)SMALL_PIXELS;
  float *x = bytes(in, floats * sizeof *x), *y = malloc(floats * sizeof *y + 1);
  float *operand = bent & 16 ? bytes(in, floats * sizeof *x) : NULL;
  job.x = x, job.operand = operand, job.y = bent & 32 ? NULL : y;
  odev_ticket *ticket = NULL;
  if (how & 16) odev_run_transform(device, &job, NULL);
  else if (odev_submit_transform(device, &job, &ticket) == ODEV_OK) take(ticket, how, NULL);
  free(x);
  free(y);
  free(operand);
}

static void by_hand(odev_device *device, fuzz_input *in) {
  const uint8_t bent = fuzz_u8(in);
  const uint32_t items = fuzz_u8(in) % (MOST_FRAMES + 1u);
  const uint32_t exposures = bent & 2 ? fuzz_u32(in) : 1 + fuzz_u8(in) % 3u;
  const size_t floats = items * 2 * (size_t)SMALL_PIXELS, frames = items * (size_t)(exposures < 16 ? exposures : 1);
  float *x = bytes(in, floats * sizeof *x), *y = malloc(floats * sizeof *y + 1), *scale = bytes(in, items * sizeof *x);
  uint16_t *codes = malloc(items * CODES * sizeof(uint16_t) + 1);
  uint16_t *counts = bytes(in, frames * 4 * SMALL_PIXELS * sizeof(uint16_t));
  uint8_t *steps = bytes(in, frames + items);
  for (size_t i = 0; !(bent & 4) && i < frames + items; ++i) steps[i] %= SMALL_STEPS;
  const odev_encode_job encode = {.struct_size = size_of(in, bent, sizeof encode), .items = items,
                                  .inverse = bent & 8, .x = x, .codes = codes, .scale = scale, .launch_step = steps};
  odev_encode(device, &encode);
  const odev_decode_job decode = {.struct_size = size_of(in, bent, sizeof decode), .items = items,
                                  .exposures = exposures, .inverse = bent & 8, .counts = counts,
                                  .launch_step = steps, .scale = scale, .y = y};
  if (exposures < 16) odev_decode(device, &decode);
  free(x);
  free(y);
  free(scale);
  free(codes);
  free(counts);
  free(steps);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static odev_device *device;
  if (!device) device = open_small();
  fuzz_input in = {data, size};
  const uint8_t how = fuzz_u8(&in);
  switch (how >> 6) {
    case 0: expose(device, &in, how); break;
    case 1: transform(device, &in, how); break;
    case 2: by_hand(device, &in); break;
    default: FUZZ_CHECK(odev_set_param(device, ODEV_PARAM_REFERENCE_FRACTION, how % 3) == ODEV_OK); break;
  }
  return 0;
}
