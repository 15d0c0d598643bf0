/* expose_request.h - the shortest job of the gated backend's grid: one frame, one dark exposure. */
#ifndef ODEV_TESTS_EXPOSE_REQUEST_H
#define ODEV_TESTS_EXPOSE_REQUEST_H

#include <string.h>

#include "gated_backend.h"

/* Jobs are told apart by their launch step. */
typedef struct {
  uint16_t codes[4 * GATED_N * GATED_N], counts[GATED_N * GATED_N];
  uint8_t step;
  odev_expose_job job;
} request;

static inline odev_expose_job *make(request *r, uint8_t step) {
  memset(r, 0, sizeof *r);
  memset(r->counts, 0xff, sizeof r->counts);
  r->step = step;
  r->job = (odev_expose_job){.struct_size = sizeof r->job, .frames = 1, .exposures = 1,
                             .reference = ODEV_REFERENCE_OFF, .laser_on = 1, .exposure_ns = 1000,
                             .codes = r->codes, .launch_step = &r->step, .counts = r->counts};
  return &r->job;
}

static inline odev_ticket *submit(odev_device *device, request *r, uint8_t step) {
  odev_ticket *ticket = NULL;
  CHECK_OK(odev_submit_expose(device, make(r, step), &ticket));
  CHECK(ticket);
  return ticket;
}

static inline odev_result new_result(void) { return (odev_result){.struct_size = sizeof(odev_result)}; }

static inline odev_telemetry_data telemetry_of(odev_device *device) {
  odev_telemetry_data told = {.struct_size = sizeof told};
  CHECK_OK(odev_telemetry(device, &told));
  return told;
}

#endif
