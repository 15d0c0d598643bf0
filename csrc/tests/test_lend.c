/* test_lend.c - who waits without a limit runs the job itself, if it is next and has not begun.
 *
 * The device's own thread is kept away, so that it never is the quicker one: what runs, runs here.
 */
#include "core/device.h"
#include "expose_request.h"

/* The queue believes that its thread is there. */
static odev_device *open_alone(gate *g, int open) {
  odev_device *device = open_gated(g, open);
  device->has_worker = 1;
  return device;
}

static void close_alone(gate *g, odev_device *device) {
  CHECK(!device->first && !device->running);
  device->has_worker = 0;
  close_gated(g, device);
}

static void test_the_next_job_runs_on_the_thread_that_waits(void) {
  gate g;
  odev_device *device = open_alone(&g, 1);
  static request r[3];
  odev_result result = new_result();
  CHECK_OK(odev_wait(submit(device, &r[0], 0), -1, &result));
  CHECK(result.frames == 1 && r[0].counts[0] == 0);
  odev_ticket *ticket = submit(device, &r[1], 1);
  CHECK_OK(odev_poll(ticket, -1));
  CHECK_OK(odev_lend(ticket)); /* it has ended: nothing happens */
  CHECK_OK(odev_wait(ticket, 0, &result));
  CHECK(result.start_ns == 1000);
  ticket = submit(device, &r[2], 2);
  CHECK_OK(odev_lend(ticket));
  CHECK_OK(odev_wait(ticket, 0, NULL));
  CHECK(passed(&g) == 3);
  for (int i = 0; i < 3; ++i) CHECK(g.step[i] == i && pthread_equal(g.thread[i], pthread_self()));
  close_alone(&g, device);
}

static void test_the_order_stays(void) {
  enum { JOBS = 5 };
  gate g;
  odev_device *device = open_alone(&g, 1);
  static request r[JOBS];
  odev_ticket *t[JOBS];
  for (uint8_t i = 0; i < JOBS; ++i) t[i] = submit(device, &r[i], i);
  CHECK_STATUS(odev_lend(t[1]), ODEV_ERR_TIMEOUT); /* not before the first */
  CHECK(strstr(odev_last_message(), "not next"));
  CHECK(passed(&g) == 0);
  CHECK_OK(odev_cancel(t[0])); /* but in its place */
  CHECK_STATUS(odev_lend(t[2]), ODEV_ERR_TIMEOUT);
  for (int i = 1; i < JOBS; ++i) CHECK_OK(odev_wait(t[i], -1, NULL));
  CHECK_STATUS(odev_wait(t[0], -1, NULL), ODEV_ERR_CANCELLED);
  CHECK(passed(&g) == JOBS - 1);
  for (int i = 1; i < JOBS; ++i) CHECK(g.step[i - 1] == i);
  close_alone(&g, device);
}

/* However long the job would take: here, for ever. */
static void test_a_time_limit_is_kept(void) {
  gate g;
  odev_device *device = open_alone(&g, 0);
  request r;
  odev_ticket *ticket = submit(device, &r, 0);
  CHECK_STATUS(odev_wait(ticket, 1000000, NULL), ODEV_ERR_TIMEOUT);
  CHECK_STATUS(odev_poll(ticket, 0), ODEV_ERR_TIMEOUT);
  CHECK_STATUS(odev_outcome(ticket, NULL), ODEV_ERR_TIMEOUT);
  CHECK(g.entered == 0);
  set_gate(&g, 1);
  CHECK_OK(odev_wait(ticket, -1, NULL));
  close_alone(&g, device);
}

static void test_a_failed_job(void) {
  gate g;
  odev_device *device = open_alone(&g, 1);
  request r;
  CHECK_STATUS(odev_wait(submit(device, &r, GATED_FAILS), -1, NULL), ODEV_ERR_BACKEND);
  CHECK(strcmp(odev_last_message(), "the shutter is stuck") == 0);
  CHECK(telemetry_of(device).faults == 1);
  close_alone(&g, device);
}

typedef struct {
  odev_ticket *ticket;
  odev_status status;
} waiting;

static void *wait_for_ticket(void *argument) {
  waiting *w = argument;
  w->status = odev_wait(w->ticket, -1, NULL);
  return NULL;
}

static void test_it_has_begun_for_all_others(void) {
  gate g;
  odev_device *device = open_alone(&g, 0);
  static request r[2];
  waiting w = {.ticket = submit(device, &r[0], 0)};
  odev_ticket *second = submit(device, &r[1], 1);
  pthread_t other;
  CHECK(pthread_create(&other, NULL, wait_for_ticket, &w) == 0);
  await_entered(&g, 1);
  CHECK(telemetry_of(device).queued == 2);
  CHECK_OK(odev_cancel(w.ticket)); /* too late */
  CHECK_STATUS(odev_lend(w.ticket), ODEV_ERR_TIMEOUT);
  CHECK_STATUS(odev_lend(second), ODEV_ERR_TIMEOUT); /* one at a time */
  set_gate(&g, 1);
  pthread_join(other, NULL);
  CHECK(w.status == ODEV_OK && passed(&g) == 1);
  CHECK_OK(odev_wait(second, -1, NULL));
  close_alone(&g, device);
}

/* More frames than one block of a 4 x 4 grid holds: the backend would be asked twice. */
enum { BLOCK_FRAMES = (1 << 19) / (GATED_N * GATED_N), FRAMES = BLOCK_FRAMES + 1 };

static void test_it_can_be_stopped(void) {
  static uint16_t codes[FRAMES * 4 * GATED_N * GATED_N], counts[FRAMES * GATED_N * GATED_N];
  static uint8_t steps[FRAMES];
  gate g;
  odev_device *device = open_alone(&g, 0);
  const odev_expose_job job = {.struct_size = sizeof job, .frames = FRAMES, .exposures = 1,
                               .reference = ODEV_REFERENCE_OFF, .laser_on = 1, .exposure_ns = 1000,
                               .codes = codes, .launch_step = steps, .counts = counts};
  waiting w = {.ticket = NULL};
  CHECK_OK(odev_submit_expose(device, &job, &w.ticket));
  pthread_t other;
  CHECK(pthread_create(&other, NULL, wait_for_ticket, &w) == 0);
  await_entered(&g, 1);
  CHECK_OK(odev_abort(w.ticket));
  set_gate(&g, 1);
  pthread_join(other, NULL);
  CHECK(w.status == ODEV_ERR_CANCELLED && passed(&g) == 1);
  CHECK(telemetry_of(device).frames == BLOCK_FRAMES);
  close_alone(&g, device);
}

/* What comes after it in the queue is the device's own thread's again. */
static void test_the_worker_goes_on_behind_it(void) {
  gate g;
  odev_device *device = open_gated(&g, 0);
  static request r[2];
  waiting w = {.ticket = submit(device, &r[0], 0)};
  pthread_t other;
  CHECK(pthread_create(&other, NULL, wait_for_ticket, &w) == 0);
  await_entered(&g, 1);
  odev_ticket *second = submit(device, &r[1], 1);
  set_gate(&g, 1);
  CHECK_OK(odev_wait(second, INT64_MAX, NULL));
  pthread_join(other, NULL);
  CHECK(w.status == ODEV_OK && g.step[0] == 0 && g.step[1] == 1);
  CHECK(!pthread_equal(g.thread[1], pthread_self()));
  close_gated(&g, device);
}

int main(void) {
  test_the_next_job_runs_on_the_thread_that_waits();
  test_the_order_stays();
  test_a_time_limit_is_kept();
  test_a_failed_job();
  test_it_has_begun_for_all_others();
  test_it_can_be_stopped();
  test_the_worker_goes_on_behind_it();
  puts("lend: all well");
  return 0;
}
