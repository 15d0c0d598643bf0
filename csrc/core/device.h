/* device.h - what an open device is: its backend, its queue, its clock, its calibration. */
#ifndef ODEV_DEVICE_H
#define ODEV_DEVICE_H

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "../host/codec.h"
#include "../kernels/kernels.h"
#include "error.h"
#include "lanes.h"
#include "optical_backend.h"

/* Half the range of the clock: a job can't run it over, whatever its length. */
#define ODEV_CLOCK_MAX_NS (INT64_MAX / 2)

/* A task runs with the device to itself, in the order of submission. */
typedef odev_status (*odev_task)(odev_device *device, const void *job, odev_result *result);

typedef enum { ODEV_TICKET_QUEUED, ODEV_TICKET_RUNNING, ODEV_TICKET_DONE } odev_ticket_state;

struct odev_ticket {
  odev_device *device;
  odev_task task;
  union {
    odev_expose_job expose;
    odev_transform_job transform;
  } copy;
  const void *job;
  odev_ticket_state state;
  odev_status status;
  odev_result result;
  char message[ODEV_MESSAGE_SIZE];
  odev_origin origin; /* of its failure */
  pthread_cond_t ended;
  odev_ticket *before, *next; /* in the queue */
};

/* The last pilot frame's verdict. */
typedef struct {
  double gain[2];
  int64_t time_ns; /* -1: no pilot yet */
  uint64_t frames_since;
} odev_pilot_state;

/* How well pilots pin down the phase between them: mean of squared errors, over how many. */
typedef struct {
  double mean_square, count;
} odev_tracked_phase;

struct odev_device {
  odev_backend backend;
  void *context;
  odev_caps caps;
  const odev_kernels *kernels;
  unsigned generation; /* of forks, when it was opened */

  pthread_condattr_t monotonic; /* what conditions are made with */

  pthread_mutex_t lock; /* guards what follows, up to the blank line */
  pthread_cond_t changed; /* for the worker and for close: something to run, or the end of something */
  odev_ticket *first, *last, *running;
  uint32_t queued; /* from first to last */
  int closing, has_worker;
  int waiting; /* threads inside odev_poll, odev_wait or odev_run_task */
  pthread_t worker;
  double laser_mw, reference_fraction;
  int laser_enabled;
  odev_telemetry_data counters;
  uint64_t readings; /* of the sensors */
  void *last_codes;  /* what the heaters hold; written with the lock, by the running task alone */

  atomic_int stop; /* the running task is to end before its next block */

  /* Only the running task touches these. */
  uint64_t next_frame;
  int64_t clock_ns;
  void *last_codes_next;
  odev_lanes lanes;
  odev_codec codec;
  int has_codec;
  odev_pilot_state pilot;
  odev_tracked_phase tracked;
};

/* ODEV_OK, or why this device cannot be used from here. */
odev_status odev_check_device(const odev_device *device);

/* Whether a frame's codes, [2][2][n][n], are ones that the DAC has. */
int odev_codes_fit(const odev_caps *caps, const void *codes);

/* A result that may be null, to be filled. */
odev_status odev_check_result(const odev_result *result);

/* Run a task on the calling thread when the device is idle, else in its turn. */
odev_status odev_run_task(odev_device *device, odev_task task, const void *job, odev_result *result);
odev_status odev_submit_task(odev_device *device, odev_task task, const void *job, size_t job_size,
                             odev_ticket **ticket);
void odev_stop_worker(odev_device *device);

/* Whether the running task has been asked to end.  It then advances the device past the frames that it
 * has exposed and returns odev_stopped(). */
static inline int odev_stop_requested(odev_device *device) { return atomic_load(&device->stop); }
odev_status odev_stopped(uint64_t done, uint64_t frames);

/* How often this process has forked since the library was loaded: > 0 forbids OpenMP. */
unsigned odev_fork_generation(void);

static inline size_t odev_code_bytes(const odev_caps *caps) {
  return 4 * (size_t)caps->n * (size_t)caps->n * (caps->dac_bits ? 2 : 4);
}
static inline size_t odev_count_bytes(const odev_caps *caps) {
  return (size_t)caps->n * (size_t)caps->n * (caps->adc_bits ? 2 : 4);
}
/* Steps of an exposure. */
static inline uint32_t odev_caps_steps(const odev_caps *caps, uint32_t reference) {
  return reference == ODEV_REFERENCE_STEPS ? caps->reference_steps : 1;
}
static inline int64_t odev_frame_ns(const odev_caps *caps, uint32_t exposures, uint32_t steps,
                                    int64_t exposure_ns) {
  return caps->write_ns + caps->settle_ns + (int64_t)(exposures * steps) * (exposure_ns + caps->readout_ns);
}

/* What a run of frames did to the device, however it ended: frames count, time has passed, and the heaters
 * hold `codes` (null: they are off). */
void odev_frames_passed(odev_device *device, uint64_t frames, int64_t end_ns, const void *codes);

/* Lanes for so many threads, with room for so many bytes of codes and counts in each. */
static inline int odev_reserve_lanes(odev_device *device, int threads, size_t codes_bytes, size_t counts_bytes) {
  return odev_lanes_reserve(&device->lanes, threads, codes_bytes, counts_bytes,
                            odev_encode_scratch_size((int)device->caps.n) * sizeof(float),
                            device->backend.scratch_bytes);
}

/* Threads a job may use: one unless the backend is concurrent and no fork has happened. */
int odev_threads_for(const odev_device *device, int32_t wanted, uint64_t pieces);

/* The job's tasks (expose.c, transform.c). */
odev_status odev_check_expose(const odev_device *device, const odev_expose_job *job);
odev_status odev_expose_task(odev_device *device, const void *job, odev_result *result);
odev_status odev_check_transform(const odev_device *device, const odev_transform_job *job);
odev_status odev_transform_task(odev_device *device, const void *job, odev_result *result);

#endif
