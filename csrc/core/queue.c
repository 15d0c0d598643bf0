/* queue.c - one first-in-first-out queue and at most one running task per device.
 *
 * A blocking call on an idle device runs on the caller's thread; the worker is started by the first
 * asynchronous submission and sleeps otherwise.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "device.h"
#include "error.h"

static void execute(odev_ticket *ticket) {
  ticket->status = ticket->task(ticket->device, ticket->job, &ticket->result);
  if (ticket->status != ODEV_OK) {
    strncpy(ticket->message, odev_last_message(), sizeof ticket->message - 1);
    ticket->message[sizeof ticket->message - 1] = '\0';
    if (ticket->task == odev_expose_task || ticket->task == odev_transform_task) {
      pthread_mutex_lock(&ticket->device->lock);
      ++ticket->device->counters.faults;
      pthread_mutex_unlock(&ticket->device->lock);
    }
  }
}

/* Both with the lock held. */
static void append(odev_device *device, odev_ticket *ticket) {
  if (device->last)
    device->last->next = ticket;
  else
    device->first = ticket;
  device->last = ticket;
}
static odev_ticket *take_first(odev_device *device) {
  odev_ticket *ticket = device->first;
  device->first = ticket->next;
  if (!device->first) device->last = NULL;
  ticket->next = NULL;
  return ticket;
}

static void *work(void *argument) {
  odev_device *device = argument;
  pthread_mutex_lock(&device->lock);
  for (;;) {
    while (device->busy || (!device->first && !device->closing))
      pthread_cond_wait(&device->changed, &device->lock);
    if (!device->first) break;
    odev_ticket *ticket = take_first(device);
    ticket->state = ODEV_TICKET_RUNNING;
    device->busy = 1;
    pthread_mutex_unlock(&device->lock);
    execute(ticket);
    pthread_mutex_lock(&device->lock);
    device->busy = 0;
    ticket->state = ODEV_TICKET_DONE;
    pthread_cond_broadcast(&device->changed);
  }
  pthread_mutex_unlock(&device->lock);
  return NULL;
}

/* With the lock held. */
static odev_status enqueue(odev_device *device, odev_ticket *ticket) {
  if (!device->has_worker) {
    if (pthread_create(&device->worker, NULL, work, device))
      return odev_fail(ODEV_ERR_MEMORY, "the device's worker thread could not be started");
    device->has_worker = 1;
  }
  append(device, ticket);
  pthread_cond_broadcast(&device->changed);
  return ODEV_OK;
}

/* With the lock held: the device may be freed once it is released. */
static void stop_waiting(odev_device *device) {
  if (--device->waiting == 0 && device->closing) pthread_cond_broadcast(&device->changed);
}

odev_status odev_submit_task(odev_device *device, odev_task task, const void *job, size_t job_size,
                             odev_ticket **out) {
  odev_ticket *ticket = calloc(1, sizeof *ticket);
  if (!ticket) return odev_fail(ODEV_ERR_MEMORY, "out of memory for a ticket");
  ticket->device = device;
  ticket->task = task;
  memcpy(&ticket->copy, job, job_size);
  ticket->job = &ticket->copy;
  pthread_mutex_lock(&device->lock);
  const odev_status status = enqueue(device, ticket);
  pthread_mutex_unlock(&device->lock);
  if (status != ODEV_OK) {
    free(ticket);
    return status;
  }
  *out = ticket;
  return ODEV_OK;
}

odev_status odev_run_task(odev_device *device, odev_task task, const void *job, odev_result *result) {
  odev_ticket ticket;
  memset(&ticket, 0, sizeof ticket);
  ticket.device = device;
  ticket.task = task;
  ticket.job = job;
  pthread_mutex_lock(&device->lock);
  if (!device->busy && !device->first) {
    device->busy = 1;
    pthread_mutex_unlock(&device->lock);
    execute(&ticket);
    pthread_mutex_lock(&device->lock);
    device->busy = 0;
    pthread_cond_broadcast(&device->changed);
  } else {
    const odev_status queued = enqueue(device, &ticket);
    if (queued != ODEV_OK) {
      pthread_mutex_unlock(&device->lock);
      return queued;
    }
    ++device->waiting;
    while (ticket.state != ODEV_TICKET_DONE) pthread_cond_wait(&device->changed, &device->lock);
    stop_waiting(device);
  }
  pthread_mutex_unlock(&device->lock);
  if (result && odev_has_result(ticket.status)) *result = ticket.result;
  return ticket.status == ODEV_OK ? ODEV_OK : odev_fail(ticket.status, "%s", ticket.message);
}

static struct timespec deadline_after(int64_t timeout_ns) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  t.tv_sec += (time_t)(timeout_ns / 1000000000);
  t.tv_nsec += (long)(timeout_ns % 1000000000);
  if (t.tv_nsec >= 1000000000) t.tv_nsec -= 1000000000, ++t.tv_sec;
  return t;
}

odev_status odev_wait(odev_ticket *ticket, int64_t timeout_ns, odev_result *result) {
  if (!ticket) return odev_fail(ODEV_ERR_ARGUMENT, "ticket must not be null");
  odev_device *device = ticket->device;
  const odev_status usable = odev_check_device(device);
  if (usable != ODEV_OK) return usable;
  if (result && result->struct_size != sizeof *result)
    return odev_fail(ODEV_ERR_ARGUMENT, "result: struct_size must be sizeof(odev_result) = %zu", sizeof *result);
  const struct timespec deadline = deadline_after(timeout_ns < 0 ? 0 : timeout_ns);
  pthread_mutex_lock(&device->lock);
  ++device->waiting;
  int late = 0;
  while (ticket->state != ODEV_TICKET_DONE && !late)
    late = timeout_ns < 0 ? pthread_cond_wait(&device->changed, &device->lock)
                          : pthread_cond_timedwait(&device->changed, &device->lock, &deadline) == ETIMEDOUT;
  const int done = ticket->state == ODEV_TICKET_DONE;
  stop_waiting(device);
  pthread_mutex_unlock(&device->lock);
  if (!done) return odev_fail(ODEV_ERR_TIMEOUT, "the job was not done within its time; wait again");

  const odev_status status = ticket->status;
  if (result && odev_has_result(status)) *result = ticket->result;
  if (status != ODEV_OK) odev_fail(status, "%s", ticket->message);
  free(ticket);
  return status;
}

odev_status odev_cancel(odev_ticket *ticket) {
  if (!ticket) return odev_fail(ODEV_ERR_ARGUMENT, "ticket must not be null");
  odev_device *device = ticket->device;
  const odev_status usable = odev_check_device(device);
  if (usable != ODEV_OK) return usable;
  pthread_mutex_lock(&device->lock);
  if (ticket->state == ODEV_TICKET_QUEUED) {
    odev_ticket *before = NULL;
    for (odev_ticket *t = device->first; t != ticket; t = t->next) before = t;
    if (before)
      before->next = ticket->next;
    else
      device->first = ticket->next;
    if (device->last == ticket) device->last = before;
    ticket->state = ODEV_TICKET_DONE;
    ticket->status = ODEV_ERR_CANCELLED;
    strncpy(ticket->message, "the job was cancelled before it began", sizeof ticket->message - 1);
    pthread_cond_broadcast(&device->changed);
  }
  pthread_mutex_unlock(&device->lock);
  return ODEV_OK;
}

void odev_stop_worker(odev_device *device) {
  pthread_mutex_lock(&device->lock);
  device->closing = 1;
  pthread_cond_broadcast(&device->changed);
  while (device->busy || device->first || device->waiting)
    pthread_cond_wait(&device->changed, &device->lock);
  pthread_mutex_unlock(&device->lock);
  if (device->has_worker) pthread_join(device->worker, NULL);
}
