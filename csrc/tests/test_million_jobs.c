/* test_million_jobs.c - eight threads, a million jobs, random cancels, stops and time-outs: none is lost
 * and nothing is left behind. */
#include "counted_alloc.h"
#include "expose_request.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { JOBS_EACH = 12500 };
#else
enum { JOBS_EACH = 125000 };
#endif
enum { THREADS = 8, IN_FLIGHT = 4 };

typedef struct {
  odev_device *device;
  uint32_t random;
  long done, cancelled, timeouts;
} worker;

static uint32_t draw(worker *w) { /* xorshift32 */
  w->random ^= w->random << 13;
  w->random ^= w->random >> 17;
  return w->random ^= w->random << 5;
}

/* To its end, some of them with ever longer patience. */
static void take(worker *w, odev_ticket *ticket, const request *r) {
  odev_result result = new_result();
  int64_t patience = draw(w) % 2 ? -1 : (int64_t)(draw(w) % 20000);
  odev_status status;
  while ((status = odev_wait(ticket, patience, &result)) == ODEV_ERR_TIMEOUT) {
    ++w->timeouts;
    patience = 2 * patience + 1000;
  }
  CHECK(status == ODEV_OK || status == ODEV_ERR_CANCELLED);
  CHECK(r->counts[0] == (status == ODEV_OK ? 0 : 0xffff));
  CHECK(result.frames == (status == ODEV_OK));
  ++*(status == ODEV_OK ? &w->done : &w->cancelled);
}

static void *work(void *argument) {
  worker *w = argument;
  static _Thread_local request requests[IN_FLIGHT];
  odev_ticket *tickets[IN_FLIGHT] = {NULL};
  for (int i = 0; i < JOBS_EACH; ++i) {
    const int slot = i % IN_FLIGHT;
    if (tickets[slot]) take(w, tickets[slot], &requests[slot]);
    tickets[slot] = submit(w->device, &requests[slot], (uint8_t)(draw(w) % 8));
    odev_ticket *other = tickets[draw(w) % IN_FLIGHT];
    if (!other) continue;
    switch (draw(w) % 8) {
      case 0: CHECK_OK(odev_cancel(other)); break;
      case 1: CHECK_OK(odev_abort(other)); break;
      case 2: {
        const odev_status seen = odev_poll(other, (int64_t)(draw(w) % 5000));
        CHECK(seen == ODEV_OK || seen == ODEV_ERR_TIMEOUT);
        break;
      }
      default: break;
    }
  }
  for (int slot = 0; slot < IN_FLIGHT; ++slot) take(w, tickets[slot], &requests[slot]);
  return NULL;
}

int main(void) {
  const long before = atomic_load(&alloc_live);
  odev_device *device = NULL;
  CHECK_OK(odev_open("null:4", &device));
  static worker workers[THREADS];
  pthread_t threads[THREADS];
  for (uint32_t i = 0; i < THREADS; ++i) {
    workers[i] = (worker){.device = device, .random = 0x9e3779b9u + i};
    CHECK(pthread_create(&threads[i], NULL, work, &workers[i]) == 0);
  }
  worker all = {.device = device};
  for (int i = 0; i < THREADS; ++i) {
    pthread_join(threads[i], NULL);
    all.done += workers[i].done;
    all.cancelled += workers[i].cancelled;
    all.timeouts += workers[i].timeouts;
  }
  CHECK(all.done + all.cancelled == (long)THREADS * JOBS_EACH);
  CHECK(all.cancelled > 0 && all.timeouts > 0);
  const odev_telemetry_data told = telemetry_of(device);
  CHECK(told.frames == (uint64_t)all.done);
  CHECK(told.device_time_ns == 1000 * all.done);
  CHECK(told.faults == 0 && told.queued == 0);
  CHECK_OK(odev_close(device));
  CHECK(atomic_load(&alloc_live) == before);
  printf("million jobs: %ld done, %ld cancelled, %ld time-outs: all well\n", all.done, all.cancelled, all.timeouts);
  return 0;
}
