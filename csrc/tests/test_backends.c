/* test_backends.c - URIs, wrappers, lost frames and interlocks, without Python. */
#include "gated_backend.h"

static uint16_t codes[64 * 4 * 16], counts[64 * 16];
static uint8_t steps[64];

static odev_expose_job job_of(uint32_t frames) {
  return (odev_expose_job){.struct_size = sizeof(odev_expose_job), .frames = frames, .exposures = 1,
                           .reference = ODEV_REFERENCE_OFF, .laser_on = 1, .threads = 2, .exposure_ns = 1000,
                           .codes = codes, .launch_step = steps, .counts = counts};
}

static odev_telemetry_data told_by(odev_device *device) {
  odev_telemetry_data told = {.struct_size = sizeof told};
  CHECK_OK(odev_telemetry(device, &told));
  return told;
}

/* ---- URIs ---- */

static void test_uris_are_taken_apart(void) {
  odev_uri *uri = NULL;
  CHECK_OK(odev_uri_parse("fault:a/b c?x=1&y=%2F%3f&&z=%&of=null:4?w=2&v=3", &uri));
  CHECK(strcmp(uri->scheme, "fault") == 0 && strcmp(uri->name, "a/b c") == 0);
  CHECK(uri->count == 3);
  CHECK(strcmp(odev_uri_value(uri, "x"), "1") == 0);
  CHECK(strcmp(odev_uri_value(uri, "y"), "/?") == 0);
  CHECK(strcmp(odev_uri_value(uri, "z"), "%") == 0);
  CHECK(odev_uri_value(uri, "w") == NULL);
  CHECK(strcmp(uri->of, "null:4?w=2&v=3") == 0);
  odev_uri_free(uri);
  CHECK_OK(odev_uri_parse("null:", &uri));
  CHECK(*uri->name == '\0' && uri->count == 0 && uri->of == NULL);
  odev_uri_free(uri);
  CHECK_STATUS(odev_uri_parse("null", &uri), ODEV_ERR_NOT_FOUND);
  CHECK_STATUS(odev_uri_parse(":4", &uri), ODEV_ERR_NOT_FOUND);
  CHECK_STATUS(odev_uri_parse("null:4?x", &uri), ODEV_ERR_ARGUMENT);
  CHECK_STATUS(odev_uri_parse("null:4?=x", &uri), ODEV_ERR_ARGUMENT);
  CHECK_STATUS(odev_uri_parse(NULL, &uri), ODEV_ERR_ARGUMENT);
  CHECK_STATUS(odev_uri_parse("null:4", NULL), ODEV_ERR_ARGUMENT);
}

static void test_hints(void) {
  static const char *const words[] = {"dropped_frame", "short_read", "null", NULL};
  CHECK(strcmp(odev_nearest_word("droped_frame", words), "dropped_frame") == 0);
  CHECK(strcmp(odev_nearest_word("nul", words), "null") == 0);
  CHECK(odev_nearest_word("emulator", words) == NULL);
  CHECK(odev_nearest_word("", words) == NULL);
  odev_device *device = NULL;
  CHECK_STATUS(odev_open("falt:?of=null:4", &device), ODEV_ERR_NOT_FOUND);
  CHECK(strstr(odev_last_message(), "did you mean fault:?"));
}

static void test_what_does_not_open(void) {
  static const char *const wrong[] = {
      "null:0",      "null:513",    "null:4x",      "null:4?x=1",   "null:4?of=null:4", "library:", "fault:",
      "fault:x?of=null:4", "fault:?of=", "fault:?x=1&of=null:4", "fault:?dropped_frame=x&of=null:4",
      "fault:?hot_at=4.0&of=null:4", "fault:?seed=x&of=null:4", "fault:?of=fault:?of=null:0"};
  odev_device *device = NULL;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
    const odev_status status = odev_open(wrong[i], &device);
    CHECK(status == ODEV_ERR_ARGUMENT || status == ODEV_ERR_NOT_FOUND);
    CHECK(odev_last_message()[0] && !device);
  }
  CHECK_STATUS(odev_open("library:./nothing.so", &device), ODEV_ERR_NOT_FOUND);
}

static void test_schemes_are_listed(void) {
  int count = 0;
  for (const char *const *scheme = odev_enumerate(); *scheme; ++scheme) ++count;
  CHECK(count == 4);
}

static void test_a_data_sheet_is_made_up(void) {
  odev_device *device = NULL;
  CHECK_OK(odev_open("fault:?wrong_serial=OTHER&of=null:8", &device));
  odev_data_sheet sheet = {.struct_size = sizeof sheet};
  CHECK_OK(odev_get_data_sheet(device, &sheet));
  CHECK(sheet.p_pi_mw > 0 && sheet.launch_default_step == 16);
  odev_caps caps = {.struct_size = sizeof caps};
  CHECK_OK(odev_get_caps(device, &caps));
  CHECK(strcmp(caps.serial, "OTHER") == 0 && !caps.concurrent && caps.reproducible);
  sheet.struct_size = 1;
  CHECK_STATUS(odev_get_data_sheet(device, &sheet), ODEV_ERR_ARGUMENT);
  CHECK_OK(odev_close(device));
}

/* ---- lost frames, interlocks ---- */

static void test_lost_frames_are_repeated(void) {
  odev_device *device = NULL;
  CHECK_OK(odev_open("fault:?dropped_frame=1,3&short_read=4&timeout=8&of=null:4", &device));
  odev_expose_job job = job_of(6);
  odev_result result = {.struct_size = sizeof result};
  CHECK_OK(odev_run_expose(device, &job, &result)); /* frames 0 to 9, of which 1, 3, 4 and 8 are lost */
  CHECK(result.frames == 6 && result.finished == 6 && result.lost == 4 && result.flags == 0);
  CHECK(result.end_ns - result.start_ns == 10 * 1000);
  const odev_telemetry_data told = told_by(device);
  CHECK(told.frames == 10 && told.lost == 4 && told.exposures == 10 && told.faults == 0);
  CHECK_OK(odev_close(device));
}

static void test_a_job_that_fails_tells_what_is_whole(void) {
  odev_device *device = NULL;
  CHECK_OK(odev_open("fault:?short_read=2-&of=null:4", &device));
  odev_expose_job job = job_of(6);
  odev_result result = {.struct_size = sizeof result};
  CHECK_STATUS(odev_run_expose(device, &job, &result), ODEV_ERR_SHORT_READ);
  CHECK(odev_last_native_code() == ODEV_FAULT_SHORT_READ);
  CHECK(strstr(odev_last_message(), "frame 5"));
  CHECK(result.finished == 2 && result.lost == 1 + ODEV_MAX_REPEATS);
  odev_ticket *ticket = NULL; /* and so by the worker, for the thread that waits */
  CHECK_OK(odev_submit_expose(device, &job, &ticket));
  CHECK_STATUS(odev_wait(ticket, -1, &result), ODEV_ERR_SHORT_READ);
  CHECK(odev_last_native_code() == ODEV_FAULT_SHORT_READ && result.finished == 0);
  CHECK_STATUS(odev_idle(device, -1), ODEV_ERR_ARGUMENT);
  CHECK(odev_last_native_code() == 0);
  CHECK_OK(odev_close(device));
}

static void test_a_trip_latches(void) {
  odev_device *device = NULL;
  CHECK_OK(odev_open("fault:?laser_trip=3&of=null:4", &device));
  odev_expose_job job = job_of(6);
  odev_result result = {.struct_size = sizeof result};
  CHECK_STATUS(odev_run_expose(device, &job, &result), ODEV_ERR_INTERLOCK);
  CHECK(result.finished == 3 && odev_last_native_code() == ODEV_FAULT_LASER_TRIP);
  CHECK_STATUS(odev_run_expose(device, &job, &result), ODEV_ERR_INTERLOCK);
  CHECK(result.finished == 0 && told_by(device).frames == 3 && told_by(device).interlock == 1);
  double enabled = 1;
  CHECK_OK(odev_get_param(device, ODEV_PARAM_LASER_ENABLED, &enabled));
  CHECK(enabled == 0);
  job.laser_on = 0;
  CHECK_OK(odev_run_expose(device, &job, &result));
  job.laser_on = 1;
  CHECK_OK(odev_set_param(device, ODEV_PARAM_LASER_ENABLED, 1));
  CHECK_OK(odev_run_expose(device, &job, &result));
  CHECK(result.finished == 6 && told_by(device).interlock == 0);
  CHECK_OK(odev_close(device));
}

static void test_over_temperature_voids_a_job(void) {
  odev_device *device = NULL;
  CHECK_OK(odev_open("fault:?over_temperature=3&of=null:4", &device));
  odev_expose_job job = job_of(6);
  odev_result result = {.struct_size = sizeof result};
  CHECK_STATUS(odev_run_expose(device, &job, &result), ODEV_ERR_OVER_TEMPERATURE);
  CHECK(result.finished == 0 && result.flags == ODEV_FLAG_OVER_TEMPERATURE && result.end_ns == 6000);
  CHECK(told_by(device).frames == 6 && told_by(device).device_time_ns == 6000);
  CHECK_OK(odev_run_expose(device, &job, &result));
  CHECK_OK(odev_close(device));
}

static void test_a_clock_that_jumps(void) {
  odev_device *device = NULL;
  CHECK_OK(odev_open("fault:?clock_jump=2&clock_jump_s=1e-3&of=null:4", &device));
  odev_expose_job job = job_of(4);
  odev_result result = {.struct_size = sizeof result};
  CHECK_OK(odev_run_expose(device, &job, &result));
  CHECK(result.flags == ODEV_FLAG_CLOCK_JUMP && result.end_ns == 4 * 1000 + 1000000);
  CHECK(told_by(device).clock_jumps == 1);
  CHECK_OK(odev_run_expose(device, &job, &result));
  CHECK(result.flags == 0);
  CHECK_OK(odev_close(device));
}

/* ---- a wrapper around a backend of the caller's ---- */

static void test_faults_around_a_backend(void) {
  gate g = {.open = 1};
  pthread_mutex_init(&g.lock, NULL);
  pthread_cond_init(&g.changed, NULL);
  const odev_backend inner = gated_backend();
  odev_backend outer;
  void *context = NULL;
  odev_uri *uri = NULL;
  CHECK_OK(odev_uri_parse("fault:?hot_pixel=0-&hot_at=1.2", &uri));
  CHECK_OK(odev_wrap_in_faults(uri, &inner, &g, &outer, &context));
  odev_uri_free(uri);
  odev_device *device = NULL;
  CHECK_OK(odev_open_backend(&outer, context, &device));
  const odev_expose_job job = job_of(2);
  CHECK_OK(odev_run_expose(device, &job, NULL));
  CHECK(counts[4 * 1 + 2] == 4095 && counts[16 + 4 * 1 + 2] == 4095 && counts[0] == 0);
  CHECK_OK(odev_close(device));
  CHECK(g.closed);
  g.closed = 0; /* the wrapper owns it even where it refuses */
  CHECK_OK(odev_uri_parse("fault:?hot_at=9.9", &uri));
  CHECK_STATUS(odev_wrap_in_faults(uri, &inner, &g, &outer, &context), ODEV_ERR_ARGUMENT);
  odev_uri_free(uri);
  CHECK(g.closed);
  pthread_cond_destroy(&g.changed);
  pthread_mutex_destroy(&g.lock);
}

int main(void) {
  test_uris_are_taken_apart();
  test_hints();
  test_what_does_not_open();
  test_schemes_are_listed();
  test_a_data_sheet_is_made_up();
  test_lost_frames_are_repeated();
  test_a_job_that_fails_tells_what_is_whole();
  test_a_trip_latches();
  test_over_temperature_voids_a_job();
  test_a_clock_that_jumps();
  test_faults_around_a_backend();
  puts("backends: all well");
  return 0;
}
