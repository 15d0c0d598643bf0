/* optical_backend.h - what a backend implements: the other side of optical_driver.h.
 *
 * The core keeps the queue, the frame counter, the device clock, the settings and the interlock; a
 * backend executes blocks of frames.  docs/backends.md goes from an empty file to a device that passes
 * `opticonv device check`.
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

/* What a backend says of a block beside its counts; all zero when execute_block is called. */
typedef struct odev_report {
  uint32_t frames_done;  /* when it fails: leading frames whose counts are whole */
  int32_t native_code;   /* when it fails: the backend's own number for it */
  uint64_t cause;        /* when it fails: the backend's own handle on it; odev_last_cause gives it back */
  int64_t clock_jump_ns; /* the device's own clock moved by so much more than the timing says */
  char message[ODEV_MESSAGE_SIZE];
} odev_report;

typedef struct odev_backend {
  uint32_t struct_size;
  uint32_t abi_version;
  const char *scheme;
  odev_status (*get_caps)(void *context, odev_caps *caps);
  /* May be null: nominal values are then made up, and a calibration must find the true ones. */
  odev_status (*get_data_sheet)(void *context, odev_data_sheet *sheet);
  /* Called by one thread at a time unless caps.concurrent.  ODEV_ERR_FRAME_LOST, _SHORT_READ and
   * _NO_ANSWER make the core repeat the frame after frames_done, up to ODEV_MAX_REPEATS times, as the next
   * frame in device order; with caps.concurrent they end the job instead, since the frames after are under
   * way.  ODEV_ERR_INTERLOCK switches the laser off until it is enabled again.  ODEV_ERR_OVER_TEMPERATURE, of
   * the first frame that is too warm, voids the job and takes the heaters to code 0.  Any other status ends the
   * job; its first frames_done frames stay good. */
  odev_status (*execute_block)(void *context, const odev_block *block, odev_report *report);
  /* Sensors: fills temperature_k and laser_mw; the counters in `telemetry` are filled already, `reading`
   * counts the calls, and `codes` are what the heaters hold.  If caps.concurrent, from any thread, also while
   * blocks are executed. */
  odev_status (*read_sensors)(void *context, uint64_t reading, double laser_mw, const void *codes,
                              odev_telemetry_data *telemetry, odev_report *report);
  double laser_nominal_mw, laser_max_mw;
  uint64_t scratch_bytes;
  void (*close)(void *context);
} odev_backend;

/* A device on a backend of the caller's.  The context is closed with the device, or at once when opening
 * fails; with ODEV_ERR_ARGUMENT the backend was not touched, and the context stays the caller's. */
ODEV_API odev_status odev_open_backend(const odev_backend *backend, void *context, odev_device **device);

/* A backend's data sheet, checked; made up where it has none. */
ODEV_API odev_status odev_read_data_sheet(const odev_backend *backend, void *context, odev_data_sheet *sheet);

/* ---- URIs -------------------------------------------------------------------------------------- */

/* SCHEME:NAME?KEY=VALUE&KEY=VALUE&of=URI.  `of`, last, is the whole rest of the text: the device that a
 * scheme like fault: is wrapped around.  In keys and values %XX stands for a byte. */
typedef struct odev_uri {
  const char *scheme, *name;
  const char *of; /* null: none */
  uint32_t count;
  const char *const *keys;
  const char *const *values;
} odev_uri;

ODEV_API odev_status odev_uri_parse(const char *text, odev_uri **uri);
ODEV_API void odev_uri_free(odev_uri *uri);
/* The value of a key, or null. */
ODEV_API const char *odev_uri_value(const odev_uri *uri, const char *key);
/* The one of `words` (null-terminated list) that `word` was probably meant to be, or null. */
ODEV_API const char *odev_nearest_word(const char *word, const char *const *words);

/* ---- shared libraries and wrappers ------------------------------------------------------------- */

/* The symbol that library:PATH looks for: fills the table and the context.  `uri` lives as long as the
 * call.  When it fails, the report's message says why. */
#define ODEV_BACKEND_OPEN_SYMBOL "odev_backend_open"
typedef odev_status (*odev_backend_open_function)(const odev_uri *uri, odev_backend *backend, void **context,
                                                  odev_report *report);

/* The backend that a URI of this library names, for odev_open_backend or for a wrapper around it. */
ODEV_API odev_status odev_make_backend(const char *uri, odev_backend *backend, void **context);
/* A backend with faults around another, whose context it owns from then on, whatever is returned.  `faults`
 * are the keys of a fault: URI; its `of` is not looked at.  docs/backends.md lists them. */
ODEV_API odev_status odev_wrap_in_faults(const odev_uri *faults, const odev_backend *inner, void *inner_context,
                                         odev_backend *backend, void **context);

/* Native codes of the faults that fault: injects. */
typedef enum odev_fault {
  ODEV_FAULT_DROPPED_FRAME = 1,
  ODEV_FAULT_TIMEOUT = 2,
  ODEV_FAULT_SHORT_READ = 3,
  ODEV_FAULT_LASER_TRIP = 4,
  ODEV_FAULT_OVER_TEMPERATURE = 5,
  ODEV_FAULT_CLOCK_JUMP = 6,
  ODEV_FAULT_STUCK_HEATER = 7,
  ODEV_FAULT_DEAD_PIXEL = 8,
  ODEV_FAULT_HOT_PIXEL = 9,
  ODEV_FAULT_STALE_CALIBRATION = 10,
  ODEV_FAULT_COUNT = 11
} odev_fault;

#ifdef __cplusplus
}
#endif
#endif
