/* test_abort.c - stopping jobs that have begun, and all jobs at once. */
#include "expose_request.h"

/* More frames than one block of a 4 x 4 grid holds: the backend is asked twice. */
enum { BLOCK_FRAMES = (1 << 19) / (GATED_N * GATED_N), FRAMES = BLOCK_FRAMES + 1 };

static uint16_t long_codes[FRAMES * 4 * GATED_N * GATED_N], long_counts[FRAMES * GATED_N * GATED_N];
static uint8_t long_steps[FRAMES];

static odev_ticket *submit_long(odev_device *device) {
  const odev_expose_job job = {.struct_size = sizeof job, .frames = FRAMES, .exposures = 1,
                               .reference = ODEV_REFERENCE_OFF, .laser_on = 1, .exposure_ns = 1000,
                               .codes = long_codes, .launch_step = long_steps, .counts = long_counts};
  odev_ticket *ticket = NULL;
  CHECK_OK(odev_submit_expose(device, &job, &ticket));
  return ticket;
}

static void test_a_job_that_has_begun_stops_between_blocks(void) {
  gate g;
  odev_device *device = open_gated(&g, 0);
  static request after;
  odev_ticket *ticket = submit_long(device);
  await_entered(&g, 1);
  CHECK_STATUS(odev_poll(ticket, 0), ODEV_ERR_TIMEOUT);
  CHECK_OK(odev_abort(ticket));
  set_gate(&g, 1);
  CHECK_OK(odev_poll(ticket, -1));
  CHECK_OK(odev_poll(ticket, 0)); /* as often as one likes */
  odev_result result = new_result();
  CHECK_STATUS(odev_wait(ticket, -1, &result), ODEV_ERR_CANCELLED);
  CHECK(strstr(odev_last_message(), "stopped"));
  CHECK(passed(&g) == 1);
  const odev_telemetry_data told = telemetry_of(device);
  CHECK(told.frames == BLOCK_FRAMES && told.faults == 0);
  CHECK(told.device_time_ns == (int64_t)BLOCK_FRAMES * 1000);
  CHECK_OK(odev_run_expose(device, make(&after, 1), &result)); /* the device goes on from there */
  CHECK(result.start_ns == told.device_time_ns);
  close_gated(&g, device);
}

static void test_a_whole_job_is_not_disturbed(void) {
  gate g;
  odev_device *device = open_gated(&g, 1);
  request r;
  odev_ticket *ticket = submit(device, &r, 1);
  CHECK_OK(odev_poll(ticket, -1));
  CHECK_OK(odev_abort(ticket)); /* too late */
  CHECK_OK(odev_wait(ticket, 0, NULL));
  ticket = submit_long(device); /* nor does that stop the next */
  CHECK_OK(odev_wait(ticket, -1, NULL));
  CHECK(telemetry_of(device).frames == FRAMES + 1);
  close_gated(&g, device);
}

typedef struct {
  odev_device *device;
  request r;
  odev_status status;
} blocked;

static void *run_blocking(void *argument) {
  blocked *b = argument;
  b->status = odev_run_expose(b->device, make(&b->r, 2), NULL);
  return NULL;
}

static void test_all_at_once(void) {
  gate g;
  odev_device *device = open_gated(&g, 0);
  static request r[3];
  static blocked b;
  odev_ticket *running = submit_long(device), *queued[3];
  await_entered(&g, 1);
  for (uint8_t i = 0; i < 3; ++i) queued[i] = submit(device, &r[i], i);
  CHECK(telemetry_of(device).queued == 4);
  b.device = device;
  pthread_t other;
  CHECK(pthread_create(&other, NULL, run_blocking, &b) == 0);
  while (telemetry_of(device).queued < 5) CHECK_STATUS(odev_poll(queued[0], 1000000), ODEV_ERR_TIMEOUT);
  CHECK_OK(odev_abort_all(device));
  pthread_join(other, NULL);
  CHECK(b.status == ODEV_ERR_CANCELLED);
  for (int i = 0; i < 3; ++i) CHECK_STATUS(odev_wait(queued[i], 0, NULL), ODEV_ERR_CANCELLED);
  set_gate(&g, 1);
  CHECK_STATUS(odev_wait(running, -1, NULL), ODEV_ERR_CANCELLED);
  CHECK(passed(&g) == 1);
  CHECK(telemetry_of(device).queued == 0);
  CHECK_OK(odev_abort_all(device)); /* nothing there: nothing happens */
  CHECK_OK(odev_run_expose(device, make(&r[0], 3), NULL));
  close_gated(&g, device);
}

int main(void) {
  test_a_job_that_has_begun_stops_between_blocks();
  test_a_whole_job_is_not_disturbed();
  test_all_at_once();
  puts("abort: all well");
  return 0;
}
