/* gated_backend.h - a backend that holds every job at a gate and keeps a record of what passed it. */
#ifndef ODEV_TESTS_GATED_BACKEND_H
#define ODEV_TESTS_GATED_BACKEND_H

#include <pthread.h>
#include <string.h>

#include "check.h"
#include "optical_backend.h"

enum { GATED_N = 4, GATED_RECORD = 4096, GATED_FAILS = 31 };

typedef struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int open, entered, passed, closed;
  uint8_t step[GATED_RECORD]; /* launch step of the blocks that passed: what tests tell jobs by */
  pthread_t thread[GATED_RECORD];
} gate;

static inline odev_status gated_caps(void *context, odev_caps *caps) {
  (void)context;
  *caps = (odev_caps){.struct_size = sizeof *caps, .n = GATED_N, .dac_bits = 14, .adc_bits = 12,
                      .launch_steps = 32, .reference_steps = 4, .exposure_ns = 1000, .exposure_min_ns = 1,
                      .exposure_max_ns = 1000000};
  return ODEV_OK;
}

static inline odev_status gated_execute(void *context, const odev_block *block, odev_report *report) {
  gate *g = context;
  pthread_mutex_lock(&g->lock);
  ++g->entered;
  pthread_cond_broadcast(&g->changed);
  while (!g->open) pthread_cond_wait(&g->changed, &g->lock);
  g->step[g->passed % GATED_RECORD] = block->launch_step[0];
  g->thread[g->passed % GATED_RECORD] = pthread_self();
  ++g->passed;
  pthread_mutex_unlock(&g->lock);
  memset(block->counts, 0, (size_t)block->frames * GATED_N * GATED_N * sizeof(uint16_t));
  if (block->launch_step[0] != GATED_FAILS) return ODEV_OK;
  snprintf(report->message, ODEV_MESSAGE_SIZE, "the shutter is stuck");
  return ODEV_ERR_BACKEND;
}

static inline odev_status gated_sensors(void *context, uint64_t reading, double laser_mw, const void *codes,
                                        odev_telemetry_data *telemetry, odev_report *report) {
  (void)context, (void)reading, (void)codes, (void)report;
  telemetry->temperature_k = 300;
  telemetry->laser_mw = laser_mw;
  return ODEV_OK;
}

static inline void gated_close(void *context) { ((gate *)context)->closed = 1; }

static inline odev_backend gated_backend(void) {
  return (odev_backend){.struct_size = sizeof(odev_backend), .abi_version = ODEV_ABI_VERSION,
                        .scheme = "gated", .get_caps = gated_caps, .execute_block = gated_execute,
                        .read_sensors = gated_sensors, .laser_nominal_mw = 1, .laser_max_mw = 1,
                        .close = gated_close};
}

static inline odev_device *open_gated(gate *g, int open) {
  memset(g, 0, sizeof *g);
  g->open = open;
  pthread_mutex_init(&g->lock, NULL);
  pthread_cond_init(&g->changed, NULL);
  const odev_backend backend = gated_backend();
  odev_device *device = NULL;
  CHECK_OK(odev_open_backend(&backend, g, &device));
  return device;
}

static inline void close_gated(gate *g, odev_device *device) {
  CHECK_OK(odev_close(device));
  CHECK(g->closed);
  pthread_cond_destroy(&g->changed);
  pthread_mutex_destroy(&g->lock);
}

static inline void set_gate(gate *g, int open) {
  pthread_mutex_lock(&g->lock);
  g->open = open;
  pthread_cond_broadcast(&g->changed);
  pthread_mutex_unlock(&g->lock);
}

/* Until `count` jobs have come to the gate. */
static inline void await_entered(gate *g, int count) {
  pthread_mutex_lock(&g->lock);
  while (g->entered < count) pthread_cond_wait(&g->changed, &g->lock);
  pthread_mutex_unlock(&g->lock);
}

static inline int passed(gate *g) {
  pthread_mutex_lock(&g->lock);
  const int count = g->passed;
  pthread_mutex_unlock(&g->lock);
  return count;
}

#endif
