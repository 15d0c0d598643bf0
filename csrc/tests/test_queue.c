/* test_queue.c - tickets, order, timeouts, cancelling, closing, and many threads at once. */
#include <time.h>

#include "core/device.h"
#include "expose_request.h"

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void test_first_in_first_out(void) {
  enum { JOBS = 30 };
  gate g;
  odev_device *device = open_gated(&g, 0);
  static request requests[JOBS];
  odev_ticket *tickets[JOBS];
  for (int i = 0; i < JOBS; ++i) tickets[i] = submit(device, &requests[i], (uint8_t)i);
  set_gate(&g, 1);
  int64_t end = 0;
  for (int i = JOBS - 1; i >= 0; --i) { /* in any order of waiting */
    odev_result result = new_result();
    CHECK_OK(odev_wait(tickets[i], -1, &result));
    CHECK(result.frames == 1 && result.exposures == 1);
    CHECK(result.end_ns == result.start_ns + 1000);
    CHECK(end == 0 || result.end_ns == end);
    end = result.start_ns;
    CHECK(requests[i].counts[0] == 0);
  }
  CHECK(end == 0);
  for (int i = 0; i < JOBS; ++i) CHECK(g.step[i] == i);
  CHECK(telemetry_of(device).frames == JOBS);
  CHECK(telemetry_of(device).device_time_ns == JOBS * 1000);
  close_gated(&g, device);
}

static void test_the_job_struct_is_copied(void) {
  gate g;
  odev_device *device = open_gated(&g, 0);
  request r;
  odev_ticket *ticket = submit(device, &r, 3);
  memset(&r.job, 0xee, sizeof r.job);
  set_gate(&g, 1);
  CHECK_OK(odev_wait(ticket, -1, NULL));
  CHECK(r.counts[0] == 0);
  close_gated(&g, device);
}

static void test_timeouts(void) {
  gate g;
  odev_device *device = open_gated(&g, 0);
  request r;
  odev_ticket *ticket = submit(device, &r, 1);
  CHECK_STATUS(odev_wait(ticket, 0, NULL), ODEV_ERR_TIMEOUT);
  const int64_t start = now_ns();
  CHECK_STATUS(odev_wait(ticket, 20000000, NULL), ODEV_ERR_TIMEOUT);
  CHECK(now_ns() - start >= 20000000);
  set_gate(&g, 1);
  odev_result result = new_result();
  CHECK_OK(odev_wait(ticket, INT64_MAX, &result)); /* a ticket outlives its timeouts */
  CHECK(result.frames == 1);
  close_gated(&g, device);
}

static void test_cancel(void) {
  gate g;
  odev_device *device = open_gated(&g, 0);
  static request r[6];
  odev_ticket *t[6];
  for (uint8_t i = 0; i < 5; ++i) t[i] = submit(device, &r[i], i);
  await_entered(&g, 1);
  CHECK_OK(odev_cancel(t[0])); /* it has begun: it runs to its end */
  CHECK_OK(odev_cancel(t[1])); /* first of the queue */
  CHECK_OK(odev_cancel(t[3])); /* in its middle */
  CHECK_OK(odev_cancel(t[4])); /* last */
  CHECK_OK(odev_cancel(t[4])); /* twice is as good as once */
  for (int i = 1; i < 5; i += i == 1 ? 2 : 1) {
    CHECK_STATUS(odev_wait(t[i], -1, NULL), ODEV_ERR_CANCELLED); /* before anything has run */
    CHECK(strstr(odev_last_message(), "cancelled"));
  }
  CHECK(passed(&g) == 0);
  t[5] = submit(device, &r[5], 5); /* the end of the queue is where it should be */
  set_gate(&g, 1);
  CHECK_OK(odev_wait(t[5], -1, NULL));
  CHECK_OK(odev_cancel(t[0])); /* done: nothing happens */
  CHECK_OK(odev_wait(t[0], -1, NULL));
  CHECK_OK(odev_wait(t[2], -1, NULL));
  CHECK(g.passed == 3 && g.step[0] == 0 && g.step[1] == 2 && g.step[2] == 5);
  CHECK(r[1].counts[0] == 0xffff); /* a cancelled job touches nothing */
  CHECK(telemetry_of(device).frames == 3);
  CHECK(telemetry_of(device).faults == 0);
  close_gated(&g, device);
}

/* Slots and memory come back: the leak checker of the sanitised build sees what does not. */
static void test_cancel_gives_its_slot_back(void) {
  gate g;
  odev_device *device = open_gated(&g, 0);
  static request first, again;
  odev_ticket *running = submit(device, &first, 0);
  await_entered(&g, 1);
  for (int i = 0; i < 2000; ++i) {
    odev_ticket *ticket = submit(device, &again, 1);
    CHECK_OK(odev_cancel(ticket));
    CHECK_STATUS(odev_wait(ticket, -1, NULL), ODEV_ERR_CANCELLED);
  }
  set_gate(&g, 1);
  CHECK_OK(odev_wait(running, -1, NULL));
  CHECK(g.passed == 1);
  close_gated(&g, device);
}

static void test_a_failed_job(void) {
  gate g;
  odev_device *device = open_gated(&g, 1);
  request r;
  odev_result result = new_result();
  CHECK_STATUS(odev_wait(submit(device, &r, GATED_FAILS), -1, &result), ODEV_ERR_BACKEND);
  CHECK(strcmp(odev_last_message(), "the shutter is stuck") == 0);
  CHECK_STATUS(odev_run_expose(device, make(&r, GATED_FAILS), &result), ODEV_ERR_BACKEND);
  CHECK(strcmp(odev_last_message(), "the shutter is stuck") == 0);
  CHECK(result.frames == 0);
  CHECK(telemetry_of(device).frames == 0);
  CHECK(telemetry_of(device).faults == 2);
  CHECK_OK(odev_run_expose(device, make(&r, 1), &result));
  CHECK(result.frames == 1 && result.start_ns == 0);
  close_gated(&g, device);
}

static void test_whose_thread_works(void) {
  gate g;
  odev_device *device = open_gated(&g, 1);
  request r;
  CHECK_OK(odev_run_expose(device, make(&r, 0), NULL));
  CHECK(pthread_equal(g.thread[0], pthread_self())); /* idle: the caller's own */
  CHECK_OK(odev_wait(submit(device, &r, 1), INT64_MAX, NULL));
  CHECK(!pthread_equal(g.thread[1], pthread_self())); /* the limit is kept, whatever the job takes */
  CHECK_OK(odev_run_expose(device, make(&r, 2), NULL));
  CHECK(pthread_equal(g.thread[2], pthread_self()));
  close_gated(&g, device);
}

static void *idle_for_a_second(void *device) {
  CHECK_OK(odev_idle(device, 1000000000));
  return NULL;
}

static void test_blocking_calls_take_their_turn(void) {
  gate g;
  odev_device *device = open_gated(&g, 0);
  static request r[2];
  odev_ticket *first = submit(device, &r[0], 0);
  await_entered(&g, 1);
  pthread_t other;
  CHECK(pthread_create(&other, NULL, idle_for_a_second, device) == 0);
  CHECK_STATUS(odev_wait(first, 5000000, NULL), ODEV_ERR_TIMEOUT);
  CHECK(telemetry_of(device).device_time_ns == 0); /* idle waits behind the job */
  set_gate(&g, 1);
  odev_result result = new_result();
  CHECK_OK(odev_wait(first, -1, &result));
  CHECK(result.start_ns == 0);
  pthread_join(other, NULL);
  CHECK(telemetry_of(device).device_time_ns == 1000000000 + 1000);
  close_gated(&g, device);
}

typedef struct {
  odev_device *device;
  odev_ticket *ticket;
  request r;
  odev_status status;
} waiting;

static void *wait_for_ticket(void *argument) {
  waiting *w = argument;
  w->status = odev_wait(w->ticket, -1, NULL);
  return NULL;
}

static void *run_blocking(void *argument) {
  waiting *w = argument;
  w->status = odev_run_expose(w->device, make(&w->r, 9), NULL);
  return NULL;
}

static void *open_the_gate_later(void *g) {
  const struct timespec pause = {0, 20000000};
  nanosleep(&pause, NULL);
  set_gate(g, 1);
  return NULL;
}

static void await_waiting(odev_device *device, int threads) {
  const struct timespec pause = {0, 1000000};
  for (int seen = 0; seen < threads; nanosleep(&pause, NULL)) {
    pthread_mutex_lock(&device->lock);
    seen = device->waiting;
    pthread_mutex_unlock(&device->lock);
  }
}

/* Close waits for what is queued, and for the threads that wait for it. */
static void test_close_waits(void) {
  enum { WAITERS = 4 };
  gate g;
  odev_device *device = open_gated(&g, 0);
  static waiting w[2 * WAITERS];
  pthread_t threads[2 * WAITERS], opener;
  for (int i = 0; i < WAITERS; ++i) {
    w[i].ticket = submit(device, &w[i].r, (uint8_t)i);
    CHECK(pthread_create(&threads[i], NULL, wait_for_ticket, &w[i]) == 0);
  }
  await_entered(&g, 1);
  for (int i = WAITERS; i < 2 * WAITERS; ++i) {
    w[i].device = device;
    CHECK(pthread_create(&threads[i], NULL, run_blocking, &w[i]) == 0);
  }
  await_waiting(device, 2 * WAITERS);
  CHECK(pthread_create(&opener, NULL, open_the_gate_later, &g) == 0);
  CHECK_OK(odev_close(device));
  CHECK(g.closed && g.passed == 2 * WAITERS);
  for (int i = 0; i < 2 * WAITERS; ++i) {
    pthread_join(threads[i], NULL);
    CHECK(w[i].status == ODEV_OK);
  }
  pthread_join(opener, NULL);
  pthread_cond_destroy(&g.changed);
  pthread_mutex_destroy(&g.lock);
}

enum { THREADS = 6, ROUNDS = 300 };

static void *many_things(void *device) {
  static _Thread_local request r;
  for (int i = 0; i < ROUNDS; ++i) {
    odev_ticket *ticket = submit(device, &r, (uint8_t)(i % 8));
    if (i % 3 == 0) CHECK_OK(odev_cancel(ticket));
    odev_status status = ODEV_ERR_TIMEOUT;
    while (status == ODEV_ERR_TIMEOUT) status = odev_wait(ticket, i % 2 ? 1000 : -1, NULL);
    CHECK(status == ODEV_OK || (i % 3 == 0 && status == ODEV_ERR_CANCELLED));
    if (status == ODEV_ERR_CANCELLED) CHECK_OK(odev_run_expose(device, &r.job, NULL));
    double value = -1;
    CHECK_OK(odev_set_param(device, ODEV_PARAM_REFERENCE_FRACTION, i % 2));
    CHECK_OK(odev_get_param(device, ODEV_PARAM_REFERENCE_FRACTION, &value));
    CHECK(value == 0 || value == 1);
    CHECK_OK(odev_idle(device, 1));
    CHECK(telemetry_of(device).frames >= (uint64_t)i + 1);
  }
  return NULL;
}

static void hammer(odev_device *device) {
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; ++i)
    CHECK(pthread_create(&threads[i], NULL, many_things, device) == 0);
  for (int i = 0; i < THREADS; ++i) pthread_join(threads[i], NULL);
  const odev_telemetry_data told = telemetry_of(device);
  CHECK(told.frames == THREADS * ROUNDS);
  CHECK(told.exposures == THREADS * ROUNDS);
  CHECK(told.device_time_ns == THREADS * ROUNDS * (1000 + 1));
}

static void test_many_threads(void) {
  gate g;
  odev_device *device = open_gated(&g, 1);
  hammer(device);
  CHECK(g.passed == THREADS * ROUNDS);
  close_gated(&g, device);
  CHECK_OK(odev_open("null:4", &device));
  hammer(device);
  CHECK_OK(odev_close(device));
}

int main(void) {
  test_first_in_first_out();
  test_the_job_struct_is_copied();
  test_timeouts();
  test_cancel();
  test_cancel_gives_its_slot_back();
  test_a_failed_job();
  test_whose_thread_works();
  test_blocking_calls_take_their_turn();
  test_close_waits();
  test_many_threads();
  puts("queue: all well");
  return 0;
}
