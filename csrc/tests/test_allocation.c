/* test_allocation.c - every allocation of opening, calibrating, encoding, submitting and running fails
 * once: the call says ODEV_ERR_MEMORY, leaves nothing behind, and succeeds when it is made again. */
#include "counted_alloc.h"
#include "gated_backend.h"
#include "small_emulator.h"

static small_planes planes;

/* All that a session needs; every step works on it alone. */
typedef struct {
  odev_device *device;
  uint16_t codes[3 * 4 * SMALL_PIXELS], counts[3 * 4 * SMALL_PIXELS];
  uint8_t steps[3];
  float x[2 * 3 * SMALL_PIXELS], y[2 * 3 * SMALL_PIXELS], scale[3];
} session;

static odev_status open_emulator(session *s) {
  const odev_emulator_spec spec = small_emulator(&planes);
  return odev_open_emulator(&spec, &s->device);
}

static odev_status calibrate(session *s) {
  const odev_calibration calibration = small_calibration(&planes);
  return odev_load_calibration(s->device, &calibration);
}

static odev_status encode(session *s) {
  const odev_encode_job job = {.struct_size = sizeof job, .items = 3, .x = s->x, .codes = s->codes,
                               .scale = s->scale, .launch_step = s->steps};
  return odev_encode(s->device, &job);
}

static odev_expose_job expose_job(session *s) {
  return (odev_expose_job){.struct_size = sizeof(odev_expose_job), .frames = 3, .exposures = 1,
                           .reference = ODEV_REFERENCE_STEPS, .laser_on = 1, .threads = 2, .exposure_ns = 10000,
                           .codes = s->codes, .launch_step = s->steps, .counts = s->counts};
}

static odev_transform_job transform_job(session *s, int32_t threads) {
  return (odev_transform_job){.struct_size = sizeof(odev_transform_job), .items = 3, .threads = threads,
                              .residual = 1, .exposures = 1, .retries = 2, .pilot_period = 2,
                              .pilot_max_age_ns = 1000000, .exposure_ns = 10000, .laser_on = 1, .x = s->x,
                              .y = s->y};
}

static odev_status expose(session *s) {
  const odev_expose_job job = expose_job(s);
  return odev_run_expose(s->device, &job, NULL);
}

static odev_status transform(session *s) {
  const odev_transform_job job = transform_job(s, 1);
  return odev_run_transform(s->device, &job, NULL);
}

/* A job's own allocations are made by the device's thread, and fail the job. */
static odev_status wait_for(odev_ticket *ticket, odev_status submitted) {
  return submitted == ODEV_OK ? odev_wait(ticket, -1, NULL) : submitted;
}

static odev_status expose_asynchronously(session *s) {
  const odev_expose_job job = expose_job(s);
  odev_ticket *ticket = NULL;
  const odev_status submitted = odev_submit_expose(s->device, &job, &ticket);
  return wait_for(ticket, submitted);
}

static odev_status transform_asynchronously(session *s) {
  const odev_transform_job job = transform_job(s, 2);
  odev_ticket *ticket = NULL;
  const odev_status submitted = odev_submit_transform(s->device, &job, &ticket);
  return wait_for(ticket, submitted);
}

static odev_status set_param(session *s) { return odev_set_param(s->device, ODEV_PARAM_LASER_MW, 5); }
static odev_status idle(session *s) { return odev_idle(s->device, 1000); }
static odev_status telemetry(session *s) {
  odev_telemetry_data told = {.struct_size = sizeof told};
  return odev_telemetry(s->device, &told);
}
static odev_status decode(session *s) {
  const odev_decode_job job = {.struct_size = sizeof job, .items = 3, .exposures = 1, .counts = s->counts,
                               .launch_step = s->steps, .scale = s->scale, .y = s->y};
  return odev_decode(s->device, &job);
}

/* Its allocations fail one after another, until none is left to fail; how many there were. */
static long fail_each(odev_status (*step)(session *), session *s) {
  for (long n = 1;; ++n) {
    const long before = atomic_load(&alloc_live);
    const int was_open = s->device != NULL;
    alloc_fail_at(n);
    const odev_status status = step(s);
    const long asked = atomic_load(&alloc_asked);
    alloc_fail_at(0);
    if (asked < n) {
      CHECK_STATUS(status, ODEV_OK);
      return asked;
    }
    CHECK_STATUS(status, ODEV_ERR_MEMORY);
    CHECK(strstr(odev_last_message(), "memory") || strstr(odev_last_message(), "worker") ||
          strstr(odev_last_message(), "MEMORY"));
    if (!was_open) CHECK(s->device == NULL && atomic_load(&alloc_live) == before);
  }
}

static long whole_session(void) {
  static session s;
  memset(&s, 0, sizeof s);
  for (int i = 0; i < 2 * 3 * SMALL_PIXELS; ++i) s.x[i] = (float)(i % 7) - 3;
  static odev_status (*const steps[])(session *) = {open_emulator, calibrate, calibrate, encode, expose, decode,
                                                    transform, set_param, idle, telemetry, expose_asynchronously,
                                                    transform_asynchronously};
  long points = 0;
  for (size_t i = 0; i < sizeof steps / sizeof *steps; ++i) points += fail_each(steps[i], &s);
  odev_telemetry_data told = {.struct_size = sizeof told};
  CHECK_OK(odev_telemetry(s.device, &told));
  CHECK(told.frames > 0 && told.queued == 0);
  alloc_fail_at(1); /* closing asks for nothing */
  CHECK_OK(odev_close(s.device));
  CHECK(atomic_load(&alloc_asked) == 0);
  alloc_fail_at(0);
  return points;
}

static odev_status open_null(session *s) { return odev_open("null:8", &s->device); }

int main(void) {
  fill_small_planes(&planes);
  session s = {.device = NULL};
  long points = fail_each(open_null, &s);
  CHECK_OK(odev_close(s.device));
  const long before = atomic_load(&alloc_live);
  points += whole_session();
  CHECK(atomic_load(&alloc_live) == before);
  CHECK(before == 0);
  CHECK(points >= 30); /* so that a build that wraps nothing can't pass */
  printf("allocation: %ld failures, all well\n", points);
  return 0;
}
