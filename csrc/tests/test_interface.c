/* test_interface.c - opening, refusing, and saying why. */
#include <math.h>

#include "gated_backend.h"

static void test_opening(void) {
  static const char *const wrong[] = {"", "null", "nul:4", "null:0", "null:513", "null:-4", "null:4x", "emulator:lab"};
  odev_device *device = NULL;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
    CHECK(odev_open(wrong[i], &device) != ODEV_OK);
    CHECK(device == NULL);
    CHECK(odev_last_message()[0] != '\0');
  }
  CHECK_STATUS(odev_open(NULL, &device), ODEV_ERR_ARGUMENT);
  CHECK_STATUS(odev_open("null:4", NULL), ODEV_ERR_ARGUMENT);
  int listed = 0;
  for (const char *const *scheme = odev_enumerate(); *scheme; ++scheme) listed |= strcmp(*scheme, "null") == 0;
  CHECK(listed);
  CHECK(odev_abi_version() == ODEV_ABI_VERSION);
  for (uint32_t n = 1; n <= 512; n += 73) {
    char uri[16];
    odev_caps caps = {.struct_size = sizeof caps};
    snprintf(uri, sizeof uri, "null:%u", n);
    CHECK_OK(odev_open(uri, &device));
    CHECK_OK(odev_get_caps(device, &caps));
    CHECK(caps.n == n);
    CHECK_OK(odev_close(device));
  }
}

static void test_null_arguments(void) {
  odev_device *device = NULL;
  CHECK_OK(odev_open("null:4", &device));
  odev_expose_job job = {.struct_size = sizeof job};
  odev_ticket *ticket = NULL;
  double value;
  CHECK_STATUS(odev_close(NULL), ODEV_ERR_ARGUMENT);
  CHECK_STATUS(odev_get_caps(NULL, NULL), ODEV_ERR_ARGUMENT);
  CHECK_STATUS(odev_get_caps(device, NULL), ODEV_ERR_ARGUMENT);
  CHECK_STATUS(odev_telemetry(device, NULL), ODEV_ERR_ARGUMENT);
  CHECK_STATUS(odev_counters(device, NULL), ODEV_ERR_ARGUMENT);
  CHECK_STATUS(odev_get_param(device, 0, NULL), ODEV_ERR_ARGUMENT);
  CHECK_STATUS(odev_get_param(device, ODEV_PARAM_COUNT, &value), ODEV_ERR_NOT_FOUND);
  CHECK_STATUS(odev_set_param(device, ODEV_PARAM_COUNT, 0), ODEV_ERR_NOT_FOUND);
  CHECK_STATUS(odev_describe_param(device, 0, NULL), ODEV_ERR_ARGUMENT);
  CHECK_STATUS(odev_load_calibration(device, NULL), ODEV_ERR_ARGUMENT);
  CHECK_STATUS(odev_run_expose(device, NULL, NULL), ODEV_ERR_ARGUMENT);
  CHECK_STATUS(odev_run_expose(device, &job, NULL), ODEV_ERR_ARGUMENT);
  CHECK_STATUS(odev_submit_expose(device, &job, &ticket), ODEV_ERR_ARGUMENT);
  CHECK_STATUS(odev_run_transform(device, NULL, NULL), ODEV_ERR_ARGUMENT);
  CHECK_STATUS(odev_encode(device, NULL), ODEV_ERR_ARGUMENT);
  CHECK_STATUS(odev_decode(device, NULL), ODEV_ERR_ARGUMENT);
  CHECK_STATUS(odev_wait(NULL, 0, NULL), ODEV_ERR_ARGUMENT);
  CHECK_STATUS(odev_cancel(NULL), ODEV_ERR_ARGUMENT);
  CHECK_STATUS(odev_idle(device, -1), ODEV_ERR_ARGUMENT);
  odev_session session = {.struct_size = sizeof session};
  CHECK_STATUS(odev_save_session(device, &session), ODEV_ERR_ARGUMENT); /* without codes */
  CHECK_STATUS(odev_restore_session(device, NULL), ODEV_ERR_ARGUMENT);
  CHECK_OK(odev_close(device));
}

static void test_jobs_out_of_range(void) {
  odev_device *device = NULL;
  CHECK_OK(odev_open("null:2", &device));
  uint16_t codes[16] = {0}, counts[4 * 4];
  uint8_t step = 0;
  const odev_expose_job good = {.struct_size = sizeof good, .frames = 1, .exposures = 1, .reference = 1,
                                .laser_on = 1, .exposure_ns = 1000, .codes = codes, .launch_step = &step,
                                .counts = counts};
  CHECK_OK(odev_run_expose(device, &good, NULL));
  odev_expose_job bad[8];
  for (int i = 0; i < 8; ++i) bad[i] = good;
  bad[0].struct_size -= 1;
  bad[1].exposures = 0;
  bad[2].exposures = 256;
  bad[3].reference = 3;
  bad[4].exposure_ns = 0;
  bad[5].exposure_ns = INT64_MAX;
  bad[6].codes = NULL;
  bad[7].counts = NULL;
  for (int i = 0; i < 8; ++i) CHECK_STATUS(odev_run_expose(device, &bad[i], NULL), ODEV_ERR_ARGUMENT);
  step = 32;
  CHECK_STATUS(odev_run_expose(device, &good, NULL), ODEV_ERR_ARGUMENT);
  odev_telemetry_data told = {.struct_size = sizeof told};
  CHECK_OK(odev_telemetry(device, &told));
  odev_telemetry_data counted = {.struct_size = sizeof counted};
  CHECK_OK(odev_counters(device, &counted));
  CHECK(counted.frames == told.frames && counted.device_time_ns == told.device_time_ns);
  CHECK(told.frames == 1 && told.faults == 0); /* refused before any frame, and no fault of the device */
  CHECK_OK(odev_close(device));
}

static void test_params(void) {
  odev_device *device = NULL;
  CHECK_OK(odev_open("null:2", &device));
  for (uint32_t id = 0; id < ODEV_PARAM_COUNT; ++id) {
    odev_param_info info = {.struct_size = sizeof info};
    double value;
    CHECK_OK(odev_describe_param(device, id, &info));
    CHECK(info.id == id && info.name[0]);
    CHECK_OK(odev_get_param(device, id, &value));
    CHECK(value >= info.minimum && value <= info.maximum);
    CHECK_STATUS(odev_set_param(device, id, value), info.read_only ? ODEV_ERR_READ_ONLY : ODEV_OK);
    if (info.read_only) continue;
    CHECK_OK(odev_set_param(device, id, info.maximum));
    CHECK_STATUS(odev_set_param(device, id, 2 * info.maximum + 1), ODEV_ERR_ARGUMENT);
    CHECK_STATUS(odev_set_param(device, id, -1), ODEV_ERR_ARGUMENT);
    CHECK_STATUS(odev_set_param(device, id, (double)NAN), ODEV_ERR_ARGUMENT);
    CHECK_OK(odev_get_param(device, id, &value));
    CHECK(value == info.maximum);
  }
  CHECK_OK(odev_close(device));
}

static odev_status failing_caps(void *context, odev_caps *caps) {
  (void)context, (void)caps;
  return ODEV_ERR_BACKEND;
}

static odev_status many_steps_caps(void *context, odev_caps *caps) {
  gated_caps(context, caps);
  caps->launch_steps = ODEV_MAX_LAUNCH_STEPS + 1;
  return ODEV_OK;
}

static odev_status huge_caps(void *context, odev_caps *caps) {
  gated_caps(context, caps);
  caps->n = 513;
  return ODEV_OK;
}

/* A backend that cannot be opened is closed all the same, unless it is of another version: then nothing
 * in it can be trusted to be where it seems, and it stays the caller's. */
static void test_bad_backends(void) {
  odev_backend bad[5];
  for (int i = 0; i < 5; ++i) bad[i] = gated_backend();
  bad[0].struct_size -= 1;
  bad[1].abi_version += 1;
  bad[2].get_caps = failing_caps;
  bad[3].get_caps = many_steps_caps;
  bad[4].get_caps = huge_caps;
  for (int i = 0; i < 5; ++i) {
    gate g = {.closed = 0};
    odev_device *device = NULL;
    CHECK(odev_open_backend(&bad[i], &g, &device) != ODEV_OK);
    CHECK(device == NULL && g.closed == (i >= 2));
  }
}

static void *fail_elsewhere(void *unused) {
  (void)unused;
  odev_device *device = NULL;
  CHECK(odev_open("elsewhere:1", &device) == ODEV_ERR_NOT_FOUND);
  CHECK(strstr(odev_last_message(), "elsewhere"));
  return NULL;
}

static void test_messages_are_each_thread_s_own(void) {
  odev_device *device = NULL;
  CHECK(odev_open("here:1", &device) == ODEV_ERR_NOT_FOUND);
  pthread_t other;
  CHECK(pthread_create(&other, NULL, fail_elsewhere, NULL) == 0);
  pthread_join(other, NULL);
  CHECK(strstr(odev_last_message(), "here:1"));
  for (int status = 0; status <= ODEV_ERR_READ_ONLY; ++status)
    CHECK(strncmp(odev_status_name((odev_status)status), "ODEV_", 5) == 0);
  CHECK(strcmp(odev_status_name((odev_status)99), "unknown status") == 0);
}

static void test_the_clock_does_not_wrap(void) {
  odev_device *device = NULL;
  CHECK_OK(odev_open("null:2", &device));
  CHECK(odev_idle(device, INT64_MAX) != ODEV_OK || odev_idle(device, INT64_MAX) != ODEV_OK);
  double seconds;
  CHECK_OK(odev_get_param(device, ODEV_PARAM_DEVICE_TIME_S, &seconds));
  CHECK(seconds >= 0);
  CHECK_OK(odev_close(device));
}

int main(void) {
  test_opening();
  test_null_arguments();
  test_jobs_out_of_range();
  test_params();
  test_bad_backends();
  test_messages_are_each_thread_s_own();
  test_the_clock_does_not_wrap();
  puts("interface: all well");
  return 0;
}
