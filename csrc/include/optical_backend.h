/* optical_backend.h - what a backend implements: the other side of optical_driver.h.
 *
 * The core keeps the queue, the frame counter and the device clock; a backend executes blocks of
 * frames.  Functions return an odev_status and, on failure, write a line into `message`.
 */
#ifndef OPTICAL_BACKEND_H
#define OPTICAL_BACKEND_H

#include "optical_driver.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ODEV_MESSAGE_SIZE 256

/* A run of frames, consecutive in device order.  Arrays are as in odev_expose_job. */
typedef struct odev_block {
  uint64_t first_frame;
  int64_t start_ns; /* device time at which the first frame is written */
  uint32_t frames, exposures, reference, laser_on;
  int64_t exposure_ns;
  double laser_mw, reference_fraction;
  const void *codes;
  const void *previous_codes; /* of the frame before the first: what the heaters still remember */
  const uint8_t *launch_step;
  void *counts;
  void *scratch; /* scratch_bytes, 64-byte aligned, one for each thread: zero when it is lent first, and
                    kept from block to block and from job to job */
} odev_block;

typedef struct odev_backend {
  uint32_t struct_size;
  uint32_t abi_version;
  const char *scheme;
  odev_status (*get_caps)(void *context, odev_caps *caps);
  /* Called by one thread at a time unless caps.concurrent.  ODEV_ERR_OVER_TEMPERATURE of a block is that of
   * its first frame that is too warm. */
  odev_status (*execute_block)(void *context, const odev_block *block, char *message);
  /* Sensors: fills temperature_k and laser_mw; the counters in `telemetry` are filled already, `reading`
   * counts the calls, and `codes` are what the heaters hold.  If caps.concurrent, from any thread, also while
   * blocks are executed. */
  odev_status (*read_sensors)(void *context, uint64_t reading, double laser_mw, const void *codes,
                              odev_telemetry_data *telemetry);
  double laser_nominal_mw, laser_max_mw;
  uint64_t scratch_bytes;
  void (*close)(void *context);
} odev_backend;

/* A device on a backend of the caller's.  The context is closed with the device, or at once when opening
 * fails; with ODEV_ERR_ARGUMENT the backend was not touched, and the context stays the caller's. */
ODEV_API odev_status odev_open_backend(const odev_backend *backend, void *context, odev_device **device);

#ifdef __cplusplus
}
#endif
#endif
