/* fuzz_params.c - any sequence of describing, setting and getting parameters, telemetry and time. */
#include "fuzz.h"
#include "optical_driver.h"

static void one_call(odev_device *device, fuzz_input *in) {
  const uint8_t call = fuzz_u8(in);
  const uint32_t id = call & 8 ? fuzz_u32(in) : (uint32_t)(fuzz_u8(in) % (ODEV_PARAM_COUNT + 1));
  odev_param_info info = {.struct_size = call & 16 ? fuzz_u32(in) : (uint32_t)sizeof info};
  double value = fuzz_double(in), before = 0, after = 0;
  switch (call % 5) {
    case 0: {
      const odev_status status = odev_describe_param(device, id, &info);
      FUZZ_CHECK(status != ODEV_OK || (id < ODEV_PARAM_COUNT && info.id == id && info.name[0]));
      break;
    }
    case 1: {
      const odev_status got = odev_get_param(device, id, &before);
      const odev_status set = odev_set_param(device, id, value);
      FUZZ_CHECK(odev_get_param(device, id, &after) == got);
      FUZZ_CHECK((got == ODEV_OK) == (id < ODEV_PARAM_COUNT));
      if (got == ODEV_OK) FUZZ_CHECK(after == (set == ODEV_OK ? value : before));
      break;
    }
    case 2: {
      odev_telemetry_data told = {.struct_size = call & 16 ? info.struct_size : (uint32_t)sizeof told};
      if (odev_telemetry(device, &told) == ODEV_OK) FUZZ_CHECK(told.frames == 0 && told.device_time_ns >= 0);
      break;
    }
    case 3: {
      int64_t duration;
      memcpy(&duration, &value, sizeof duration);
      FUZZ_CHECK(odev_get_param(device, ODEV_PARAM_DEVICE_TIME_S, &before) == ODEV_OK);
      const odev_status idle = odev_idle(device, duration);
      FUZZ_CHECK(odev_get_param(device, ODEV_PARAM_DEVICE_TIME_S, &after) == ODEV_OK);
      FUZZ_CHECK(idle == ODEV_OK ? after >= before && duration >= 0 : after == before);
      break;
    }
    default: {
      odev_caps caps = {.struct_size = info.struct_size};
      odev_get_caps(device, &caps);
      odev_status_name((odev_status)id);
      break;
    }
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_input in = {data, size};
  odev_device *device = NULL;
  FUZZ_CHECK(odev_open("null:1", &device) == ODEV_OK);
  for (int calls = 0; in.left && calls < 32; ++calls) one_call(device, &in);
  FUZZ_CHECK(odev_close(device) == ODEV_OK);
  return 0;
}
