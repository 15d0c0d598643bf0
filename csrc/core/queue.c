/* queue.c - one first-in-first-out queue and at most one running task per device.
 *
 * A blocking call on an idle device runs on the caller's thread; the worker is started by the first
 * asynchronous submission and sleeps otherwise.  Who waits without a limit for the job that is next, before
 * the worker has come to it, runs it: two threads need not wake up for that.  Else who waits for a ticket sleeps
 * on that ticket's own condition: the end of a job wakes those whom it concerns and nobody else.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "device.h"
#include "error.h"

static odev_status ticket_init(odev_ticket *ticket, odev_device *device, odev_task task, const void *job) {
  ticket->device = device;
  ticket->task = task;
  ticket->job = job;
  if (pthread_cond_init(&ticket->ended, &device->monotonic))
    return odev_fail(ODEV_ERR_MEMORY, "out of memory for a ticket");
  return ODEV_OK;
}

static void execute(odev_ticket *ticket) {
  ticket->result.struct_size = sizeof ticket->result;
  ticket->status = ticket->task(ticket->device, ticket->job, &ticket->result);
  if (ticket->status == ODEV_OK) return;
  strncpy(ticket->message, odev_last_message(), sizeof ticket->message - 1);
  ticket->message[sizeof ticket->message - 1] = '\0';
  ticket->origin = odev_last_origin();
  if (ticket->status != ODEV_ERR_CANCELLED &&
      (ticket->task == odev_expose_task || ticket->task == odev_transform_task)) {
    pthread_mutex_lock(&ticket->device->lock);
    ++ticket->device->counters.faults;
    pthread_mutex_unlock(&ticket->device->lock);
  }
}

/* ---- all with the lock held ---- */

static void append(odev_device *device, odev_ticket *ticket) {
  ticket->before = device->last;
  if (device->last)
    device->last->next = ticket;
  else
    device->first = ticket;
  device->last = ticket;
  ++device->queued;
}

static odev_ticket *take_off(odev_ticket *ticket) {
  odev_device *device = ticket->device;
  *(ticket->before ? &ticket->before->next : &device->first) = ticket->next;
  *(ticket->next ? &ticket->next->before : &device->last) = ticket->before;
  ticket->next = ticket->before = NULL;
  --device->queued;
  return ticket;
}

static void end(odev_ticket *ticket) {
  odev_device *device = ticket->device;
  ticket->state = ODEV_TICKET_DONE;
  pthread_cond_broadcast(&ticket->ended);
  if (device->first || device->closing) pthread_cond_broadcast(&device->changed);
}

static void run(odev_ticket *ticket) {
  odev_device *device = ticket->device;
  ticket->state = ODEV_TICKET_RUNNING;
  device->running = ticket;
  atomic_store(&device->stop, 0);
  pthread_mutex_unlock(&device->lock);
  execute(ticket);
  pthread_mutex_lock(&device->lock);
  device->running = NULL;
  end(ticket);
}

static void end_unrun(odev_ticket *ticket) {
  ticket->status = ODEV_ERR_CANCELLED;
  strncpy(ticket->message, "the job was cancelled before it began", sizeof ticket->message - 1);
  end(ticket);
}

/* The order stays: the queue's first job alone, and none beside another. */
static void run_if_next(odev_ticket *ticket) {
  if (ticket->device->first == ticket && !ticket->device->running) run(take_off(ticket));
}

/* The device may be freed once the lock is released. */
static void stop_waiting(odev_device *device) {
  if (--device->waiting == 0 && device->closing) pthread_cond_broadcast(&device->changed);
}

/* ---- */

static void *work(void *argument) {
  odev_device *device = argument;
  pthread_mutex_lock(&device->lock);
  for (;;) {
    while (device->running || (!device->first && !device->closing))
      pthread_cond_wait(&device->changed, &device->lock);
    if (!device->first) break;
    run(take_off(device->first));
  }
  pthread_mutex_unlock(&device->lock);
  return NULL;
}

static odev_status enqueue(odev_device *device, odev_ticket *ticket) {
  if (!device->has_worker) {
    if (pthread_create(&device->worker, NULL, work, device))
      return odev_fail(ODEV_ERR_MEMORY, "the device's worker thread could not be started");
    device->has_worker = 1;
  }
  append(device, ticket);
  /* Whoever runs a job looks at the queue when it ends. */
  if (!device->running) pthread_cond_broadcast(&device->changed);
  return ODEV_OK;
}

odev_status odev_submit_task(odev_device *device, odev_task task, const void *job, size_t job_size,
                             odev_ticket **out) {
  odev_ticket *ticket = calloc(1, sizeof *ticket);
  if (!ticket) return odev_fail(ODEV_ERR_MEMORY, "out of memory for a ticket");
  memcpy(&ticket->copy, job, job_size);
  odev_status status = ticket_init(ticket, device, task, &ticket->copy);
  if (status != ODEV_OK) {
    free(ticket);
    return status;
  }
  pthread_mutex_lock(&device->lock);
  status = enqueue(device, ticket);
  pthread_mutex_unlock(&device->lock);
  if (status != ODEV_OK) {
    pthread_cond_destroy(&ticket->ended);
    free(ticket);
    return status;
  }
  *out = ticket;
  return ODEV_OK;
}

/* Of a job that has ended.  Does not touch the device: close may be waiting for this thread no longer. */
static odev_status outcome_of(const odev_ticket *ticket, odev_result *result) {
  if (result && ticket->result.struct_size) *result = ticket->result; /* one that never ran has none */
  return ticket->status == ODEV_OK ? ODEV_OK : odev_fail_from(ticket->origin, ticket->status, ticket->message);
}

odev_status odev_run_task(odev_device *device, odev_task task, const void *job, odev_result *result) {
  odev_ticket ticket;
  memset(&ticket, 0, sizeof ticket);
  odev_status status = ticket_init(&ticket, device, task, job);
  if (status != ODEV_OK) return status;
  pthread_mutex_lock(&device->lock);
  ++device->waiting;
  if (!device->running && !device->first)
    run(&ticket);
  else
    status = enqueue(device, &ticket);
  while (status == ODEV_OK && ticket.state != ODEV_TICKET_DONE) pthread_cond_wait(&ticket.ended, &device->lock);
  stop_waiting(device);
  pthread_mutex_unlock(&device->lock);
  pthread_cond_destroy(&ticket.ended);
  return status == ODEV_OK ? outcome_of(&ticket, result) : status;
}

static struct timespec deadline_after(int64_t timeout_ns) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  t.tv_sec += (time_t)(timeout_ns / 1000000000);
  t.tv_nsec += (long)(timeout_ns % 1000000000);
  if (t.tv_nsec >= 1000000000) t.tv_nsec -= 1000000000, ++t.tv_sec;
  return t;
}

static odev_status check_ticket(const odev_ticket *ticket) {
  if (!ticket) return odev_fail(ODEV_ERR_ARGUMENT, "ticket must not be null");
  return odev_check_device(ticket->device);
}

odev_status odev_poll(odev_ticket *ticket, int64_t timeout_ns) {
  const odev_status usable = check_ticket(ticket);
  if (usable != ODEV_OK) return usable;
  odev_device *device = ticket->device;
  const struct timespec deadline = deadline_after(timeout_ns < 0 ? 0 : timeout_ns);
  pthread_mutex_lock(&device->lock);
  ++device->waiting;
  if (timeout_ns < 0) run_if_next(ticket); /* a time limit could not be kept */
  int late = timeout_ns == 0;
  while (ticket->state != ODEV_TICKET_DONE && !late)
    late = timeout_ns < 0 ? pthread_cond_wait(&ticket->ended, &device->lock)
                          : pthread_cond_timedwait(&ticket->ended, &device->lock, &deadline) == ETIMEDOUT;
  const int done = ticket->state == ODEV_TICKET_DONE;
  stop_waiting(device);
  pthread_mutex_unlock(&device->lock);
  return done ? ODEV_OK : odev_fail(ODEV_ERR_TIMEOUT, "the job was not done within its time; wait again");
}

odev_status odev_lend(odev_ticket *ticket) {
  const odev_status usable = check_ticket(ticket);
  if (usable != ODEV_OK) return usable;
  odev_device *device = ticket->device;
  pthread_mutex_lock(&device->lock);
  ++device->waiting;
  run_if_next(ticket);
  const int done = ticket->state == ODEV_TICKET_DONE;
  stop_waiting(device);
  pthread_mutex_unlock(&device->lock);
  return done ? ODEV_OK : odev_fail(ODEV_ERR_TIMEOUT, "the job has begun elsewhere, or is not next; wait for it");
}

odev_status odev_outcome(odev_ticket *ticket, odev_result *result) {
  odev_status status = odev_check_result(result);
  if (status == ODEV_OK) status = odev_poll(ticket, 0);
  return status == ODEV_OK ? outcome_of(ticket, result) : status;
}

odev_status odev_wait(odev_ticket *ticket, int64_t timeout_ns, odev_result *result) {
  odev_status status = odev_check_result(result);
  if (status == ODEV_OK) status = odev_poll(ticket, timeout_ns);
  if (status != ODEV_OK) return status;
  status = outcome_of(ticket, result);
  pthread_cond_destroy(&ticket->ended);
  free(ticket);
  return status;
}

odev_status odev_cancel(odev_ticket *ticket) {
  const odev_status usable = check_ticket(ticket);
  if (usable != ODEV_OK) return usable;
  odev_device *device = ticket->device;
  pthread_mutex_lock(&device->lock);
  if (ticket->state == ODEV_TICKET_QUEUED) end_unrun(take_off(ticket));
  pthread_mutex_unlock(&device->lock);
  return ODEV_OK;
}

odev_status odev_abort(odev_ticket *ticket) {
  const odev_status usable = check_ticket(ticket);
  if (usable != ODEV_OK) return usable;
  odev_device *device = ticket->device;
  pthread_mutex_lock(&device->lock);
  if (ticket->state == ODEV_TICKET_QUEUED) end_unrun(take_off(ticket));
  if (device->running == ticket) atomic_store(&device->stop, 1);
  pthread_mutex_unlock(&device->lock);
  return ODEV_OK;
}

odev_status odev_abort_all(odev_device *device) {
  const odev_status usable = odev_check_device(device);
  if (usable != ODEV_OK) return usable;
  pthread_mutex_lock(&device->lock);
  while (device->first) end_unrun(take_off(device->first));
  if (device->running) atomic_store(&device->stop, 1);
  pthread_mutex_unlock(&device->lock);
  return ODEV_OK;
}

void odev_stop_worker(odev_device *device) {
  pthread_mutex_lock(&device->lock);
  device->closing = 1;
  pthread_cond_broadcast(&device->changed);
  while (device->running || device->first || device->waiting)
    pthread_cond_wait(&device->changed, &device->lock);
  pthread_mutex_unlock(&device->lock);
  if (device->has_worker) pthread_join(device->worker, NULL);
}
