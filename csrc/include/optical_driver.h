/* optical_driver.h - the driver of a Fourier-optical computer.
 *
 * What crosses this boundary is what crosses a real one: DAC codes in, ADC counts out, and time
 * passes.  A frame is one setting of all heaters and the exposures taken of it.
 *
 *     odev_device *dev = NULL;
 *     if (odev_open("null:64", &dev) != ODEV_OK) fputs(odev_last_message(), stderr);
 *     odev_caps caps = {.struct_size = sizeof caps};
 *     odev_get_caps(dev, &caps);                                        grid, bits, timing
 *     odev_expose_job job = {.struct_size = sizeof job, ...};
 *     odev_result result = {.struct_size = sizeof result};
 *     odev_run_expose(dev, &job, &result);                              blocks
 *
 *     odev_ticket *ticket = NULL;
 *     odev_submit_expose(dev, &job, &ticket);                           returns at once
 *     odev_wait(ticket, 1000000000, &result);                           a second at most
 *     odev_close(dev);
 *
 * examples/ has whole programs.
 *
 * Structs: the caller sets struct_size in every struct that it passes, filled or to be filled, and
 *   it must be this header's: a library of another odev_abi_version() refuses it with
 *   ODEV_ERR_ARGUMENT, whichever way it differs.
 * Errors: functions return an odev_status; odev_last_message() says more, in this thread.  What is
 *   wrong with an argument is found before any frame is exposed, and changes nothing.
 * Threads: any thread may call anything at any time, but for what odev_wait and odev_close say of a
 *   ticket's and a device's end.  No function calls back into the caller's code.
 * Order: each device runs one job at a time, in the order in which they were submitted, blocking
 *   calls, parameters, idling and calibrations included.  Asynchronous jobs run on the device's own
 *   thread, which the first of them starts, or on that of who waits for them without a time limit, where that is
 *   sooner; a blocking call on an idle device runs on the caller's, without any hop.  A job may use more
 *   threads, as many as it asks for.
 * Memory: arrays stay the caller's.  Those of a job must live, and not be written to, until its
 *   ticket has been waited for; the job struct itself is copied.
 * Fork: a device opened before fork() answers ODEV_ERR_FORKED in the child, and is not to be closed
 *   there; the child may open its own.
 * Signals: no function is interrupted by one; a handler must not call in here, but another thread
 *   may, to odev_abort() what takes too long.
 */
#ifndef OPTICAL_DRIVER_H
#define OPTICAL_DRIVER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define ODEV_API __attribute__((visibility("default")))
#else
#define ODEV_API
#endif

#define ODEV_ABI_VERSION 2u
#define ODEV_MAX_LAUNCH_STEPS 64
#define ODEV_MAX_EXPOSURES 8
#define ODEV_NAME_SIZE 64

typedef enum odev_status {
  ODEV_OK = 0,
  ODEV_ERR_ARGUMENT = 1,         /* a value out of its range, a null pointer, a bad struct_size */
  ODEV_ERR_SHAPE = 2,            /* an array of the wrong size */
  ODEV_ERR_DTYPE = 3,            /* an array of the wrong element type */
  ODEV_ERR_NONFINITE = 4,        /* NaN or infinity in a target */
  ODEV_ERR_CLOSED = 5,           /* the device has been closed */
  ODEV_ERR_FORKED = 6,           /* the device belongs to the parent process */
  ODEV_ERR_CAPABILITY = 7,       /* this device cannot do that */
  ODEV_ERR_TIMEOUT = 8,          /* the ticket was not done in time; it is still valid */
  ODEV_ERR_MEMORY = 9,           /* out of memory */
  ODEV_ERR_BACKEND = 10,         /* the backend failed */
  ODEV_ERR_CALIBRATION = 11,     /* none installed, or one that does not fit the device */
  ODEV_ERR_OVER_TEMPERATURE = 12,/* the interlock tripped */
  ODEV_ERR_NOT_FOUND = 13,       /* no such scheme, file or parameter */
  ODEV_ERR_CANCELLED = 14,       /* the job was cancelled before it ran, or stopped on the way */
  ODEV_ERR_READ_ONLY = 15,       /* the parameter cannot be set */
  ODEV_ERR_FRAME_LOST = 16,      /* a frame did not arrive, however often it was repeated */
  ODEV_ERR_SHORT_READ = 17,      /* a frame arrived in part only, however often it was repeated */
  ODEV_ERR_NO_ANSWER = 18,       /* the device did not answer in time, however often it was asked */
  ODEV_ERR_INTERLOCK = 19,       /* the laser tripped; it stays off until laser_enabled is set again */
  ODEV_ERR_RECORDING = 20        /* a replay was asked for something else than was recorded */
} odev_status;

typedef struct odev_device odev_device;
typedef struct odev_ticket odev_ticket;

/* ---- what a device is ------------------------------------------------------------------------ */

typedef enum odev_layout {
  ODEV_LAYOUT_MFT = 0, /* modulate, multiply, lens, camera */
  ODEV_LAYOUT_4F = 1   /* modulate, lens, modulate, lens, camera */
} odev_layout;

typedef struct odev_caps {
  uint32_t struct_size;
  uint32_t n;                  /* grid is n x n */
  uint32_t dac_bits, adc_bits; /* 0: codes are float32 in [0, 1], counts float32 */
  uint32_t launch_steps;       /* settings of the signal arm's attenuator */
  uint32_t concurrent;         /* blocks of frames may be executed by several threads at once */
  uint32_t reproducible;       /* opened alike and asked alike, it counts alike, however frames make jobs */
  uint32_t layout;             /* odev_layout */
  uint32_t reference_steps;    /* of ODEV_REFERENCE_STEPS: 4; 3, the first without reference; 1: no reference */
  double launch_step_db;
  int64_t write_ns, settle_ns, exposure_ns, readout_ns;
  int64_t exposure_min_ns, exposure_max_ns;
  char serial[ODEV_NAME_SIZE];
  char kernels[ODEV_NAME_SIZE]; /* instruction set in use */
} odev_caps;

/* Nominal values: of the design, not of this device.  docs/backends.md says what they are used for. */
typedef struct odev_data_sheet {
  uint32_t struct_size;
  uint32_t nominal_is_true; /* no tolerances, no converters: there is nothing to calibrate */
  uint32_t launch_default_step;
  uint32_t reserved;
  char profile_name[ODEV_NAME_SIZE];
  char profile_hash[2 * ODEV_NAME_SIZE]; /* a calibration of another hash is refused */
  double power_w;                        /* electrical, while working */
  double tau_us;                         /* time constant of the heaters */
  double p_pi_mw, power_full_mw, resistance_slope_per_mw;
  double link_nearest, link_diagonal, link_partner;
  double b0, b1; /* amplitudes of an interferometer's arms, insertion loss included */
  double signal_rate_photons_per_us, reference_rate_photons_per_us;
  double element_width_fraction, reference_waist_px;
  double qe, gain_e_per_dn, full_well_e, read_noise_e, black_level_dn;
  double link_ring[3], substrate_k_per_mw[9]; /* heat from afar: by distance, by cosine mode */
  double ambient_rad_per_k, wavelength_nm, wavelength_rad_per_pm;
} odev_data_sheet;

typedef enum odev_param {
  ODEV_PARAM_LASER_ENABLED = 0,
  ODEV_PARAM_LASER_MW = 1,
  ODEV_PARAM_REFERENCE_FRACTION = 2, /* power of the reference arm, of its nominal */
  ODEV_PARAM_DEVICE_TIME_S = 3,
  ODEV_PARAM_COUNT = 4
} odev_param;

/* Values are doubles, whatever the type. */
typedef enum odev_param_type {
  ODEV_TYPE_REAL = 0,
  ODEV_TYPE_SWITCH = 1 /* 0 or 1 */
} odev_param_type;

typedef struct odev_param_info {
  uint32_t struct_size;
  uint32_t id;
  char name[ODEV_NAME_SIZE];
  char unit[16]; /* empty: a number without one */
  double minimum, maximum;
  uint32_t read_only;
  uint32_t type; /* odev_param_type */
} odev_param_info;

typedef struct odev_telemetry_data {
  uint32_t struct_size;
  uint32_t threads; /* that the last job used */
  uint32_t queued;  /* jobs that run or wait to */
  uint32_t flags;   /* of the last exposure or transform, as in its result */
  int64_t device_time_ns;
  uint64_t frames, exposures, pilots, retries;
  uint64_t saturations; /* bins still saturated in their dimmest exposure */
  uint64_t faults;      /* jobs that failed */
  uint64_t lost;        /* frames exposed in vain: what came of them was lost, and they were repeated */
  uint64_t clock_jumps; /* times that the device's own clock left its timing */
  uint32_t interlock;   /* the laser has tripped and not been enabled since */
  uint32_t reserved;
  double temperature_k, laser_mw;                           /* sensors: with noise and offset */
  double drift_phase_rad, drift_amplitude;                  /* as the last pilot frame measured them */
  double phase_sigma_rad; /* to which the phase between pilots is known, by how they scatter; 0: not yet known */
  int64_t pilot_time_ns;                                    /* of that pilot; -1: none yet */
} odev_telemetry_data;

/* ---- jobs ------------------------------------------------------------------------------------ */

typedef enum odev_reference {
  ODEV_REFERENCE_OFF = 0,   /* one step, reference blocked */
  ODEV_REFERENCE_STEPS = 1, /* caps.reference_steps steps */
  ODEV_REFERENCE_ONLY = 2   /* one step, signal blocked */
} odev_reference;

/* The raw boundary.  codes [frames][2 stages][2 heaters: theta, phi][n][n]; launch_step
 * [frames][exposures]; counts [frames][exposures][steps][n][n]. */
typedef struct odev_expose_job {
  uint32_t struct_size;
  uint32_t frames, exposures, reference, laser_on;
  int32_t threads; /* <= 0: one */
  int64_t exposure_ns;
  const void *codes;
  const uint8_t *launch_step;
  void *counts;
} odev_expose_job;

/* Encode, expose, decode in one go.  x, y: [items][n][n] complex float, interleaved; operand the
 * same, y = F(x operand), or null; in layout 4f y = F(operand F(x)), and never null. */
typedef struct odev_transform_job {
  uint32_t struct_size;
  uint32_t items;
  int32_t threads;
  uint32_t inverse;    /* y = F^-1(x), by conjugation */
  uint32_t residual;   /* a second frame takes up what the first could not realise; of x alone where there is an operand */
  uint32_t exposures;  /* of each frame */
  uint8_t brighten[ODEV_MAX_EXPOSURES]; /* attenuator steps by which exposure e is brighter */
  uint32_t retries;    /* of frames whose dimmest exposure saturated */
  uint32_t pilot_period; /* frames between pilots; 0: no tracking */
  int64_t pilot_max_age_ns; /* a pilot goes first when the last one is older than that */
  int64_t exposure_ns;
  uint32_t laser_on;
  const float *x, *operand;
  float *y;
} odev_transform_job;

/* SATURATED: bins are clipped in a dimmest exposure even after the retries.  CALIBRATION_STALE: the pilot's
 * amplitude has moved by more than a tenth since the calibration.  OVER_TEMPERATURE: the interlock cut the
 * heaters.  CLOCK_JUMP: the device's own clock left its timing, and the next transform begins with a pilot. */
enum {
  ODEV_FLAG_SATURATED = 1,
  ODEV_FLAG_CALIBRATION_STALE = 2,
  ODEV_FLAG_OVER_TEMPERATURE = 4,
  ODEV_FLAG_CLOCK_JUMP = 8
};

/* A frame that was lost, came short or was not answered is repeated at once, so often at most. */
#define ODEV_MAX_REPEATS 3

/* Filled when a job succeeds, and when it fails: `finished` says what of it is good.  The interlock's
 * ODEV_ERR_OVER_TEMPERATURE voids a job's counts: its frames and their time have passed, and all heaters are
 * off. */
typedef struct odev_result {
  uint32_t struct_size;
  uint32_t flags;
  int64_t start_ns, end_ns; /* device time */
  uint64_t frames, exposures, pilots, retries, saturations;
  uint64_t lost;     /* frames exposed in vain and repeated; not among `frames` */
  uint64_t finished; /* frames of an expose job, items of a transform, that are whole: the first ones */
} odev_result;

/* ---- calibration ----------------------------------------------------------------------------- */

/* What encode inverts and decode divides by; all planes n x n doubles (complex: interleaved), stage
 * before heater.  docs/calibration.md says what each means and how it is measured. */
typedef struct odev_calibration {
  uint32_t struct_size;
  uint32_t n, launch_steps;
  uint32_t pilot_launch_step;
  const double *power_full_mw;      /* [2][2]: V^2 / R0 at full code */
  const double *rho;                /* [2] */
  const double *theta0_rad;         /* [2] */
  const double *kappa_rad_per_mw;   /* [2][2] */
  const double *beta_per_mw;        /* [2][2] */
  const double *links;              /* [2][2][4: east, south, south-east, south-west] */
  const double *partner;            /* [2] */
  const double *ring;               /* [3] numbers: coefficients at 2, sqrt(5) and sqrt(8) pitches */
  const double *substrate_rad_per_mw; /* [3][3] numbers: theta's phase per moment of its chip's power, cosine modes */
  const double *input_map;          /* complex */
  const double *middle_map;         /* complex; read in layout 4f only */
  const double *output_map;         /* complex, DN */
  const double *reference_plane_dn; /* the reference alone, dark removed; read if caps.reference_steps is 3 */
  const double *launch_gain;        /* [launch_steps] complex */
  const double *pilot_spectrum;     /* complex, DN; null: no pilot */
  const void *pilot_codes;          /* [2][2], as the device's codes */
  double conjugate_leak[2];
  double black_dn, saturation_dn, reference_dn, gain_e_per_dn, read_noise_dn;
} odev_calibration;

typedef struct odev_encode_job {
  uint32_t struct_size;
  uint32_t items;
  uint32_t inverse;
  const float *x, *operand;
  void *codes;          /* [items][2][2][n][n] */
  float *scale;         /* [items] */
  uint8_t *launch_step; /* [items]: as transform would expose a single exposure */
} odev_encode_job;

typedef struct odev_decode_job {
  uint32_t struct_size;
  uint32_t items, exposures;
  uint32_t inverse;
  const void *counts;         /* [items][exposures][caps.reference_steps][n][n] */
  const uint8_t *launch_step; /* [items][exposures] */
  const float *scale;         /* [items] */
  float *y;
} odev_decode_job;

/* ---- the library ----------------------------------------------------------------------------- */

/* ODEV_ABI_VERSION of the library that is there, for a program that was not built with it. */
ODEV_API uint32_t odev_abi_version(void);
/* "ODEV_ERR_SHAPE" and so on; never null. */
ODEV_API const char *odev_status_name(odev_status status);
/* What went wrong last in this thread, as one line of text; never null; valid until the thread's next call. */
ODEV_API const char *odev_last_message(void);
/* The backend's own error number for that, 0 where it has none; and its handle on it (optical_backend.h). */
ODEV_API int32_t odev_last_native_code(void);
ODEV_API uint64_t odev_last_cause(void);

/* ---- opening and closing --------------------------------------------------------------------- */

/* Schemes this library can open, as a null-terminated list.  docs/backends.md has the grammar of URIs:
 *
 *     null:64                                              nothing behind it: counts of 0
 *     emulator:lab7.spec                                   an emulated device, from a file of Python's
 *     library:./mydevice.so?key=value                      a backend from a shared library
 *     fault:?dropped_frame=17&hot_pixel=p0.1&of=null:64    any of them, with faults
 */
ODEV_API const char *const *odev_enumerate(void);
/* *device is set on success alone.  NOT_FOUND: no such scheme; ARGUMENT: not a URI of that scheme;
 * MEMORY, CAPABILITY, BACKEND: it cannot be opened here. */
ODEV_API odev_status odev_open(const char *uri, odev_device **device);
/* Waits for what is queued, and for the threads that wait for it, then frees.  Nobody may use the
 * device, or a ticket of it, afterwards: wait for all tickets before.  odev_abort_all() first makes it
 * quick.  A second close is the caller's error. */
ODEV_API odev_status odev_close(odev_device *device);
ODEV_API odev_status odev_get_caps(odev_device *device, odev_caps *caps);
ODEV_API odev_status odev_get_data_sheet(odev_device *device, odev_data_sheet *sheet);

/* ---- parameters: ids are 0 to ODEV_PARAM_COUNT - 1 -------------------------------------------- */

/* Name, unit, range and type.  NOT_FOUND: no such id. */
ODEV_API odev_status odev_describe_param(odev_device *device, uint32_t id, odev_param_info *info);
/* Answers at once: the value that the last job before now was run with, or the next will be. */
ODEV_API odev_status odev_get_param(odev_device *device, uint32_t id, double *value);
/* In order with the queue.  ARGUMENT: outside its range; READ_ONLY. */
ODEV_API odev_status odev_set_param(odev_device *device, uint32_t id, double value);

/* Checked, then installed in order with the queue; copied.  CALIBRATION: it does not fit this device,
 * or holds what is not finite, and the one before stays. */
ODEV_API odev_status odev_load_calibration(odev_device *device, const odev_calibration *calibration);

/* ---- jobs ------------------------------------------------------------------------------------ */

/* Puts a job at the end of the queue.  *ticket is set on success alone, and must be waited for. */
ODEV_API odev_status odev_submit_expose(odev_device *device, const odev_expose_job *job, odev_ticket **ticket);
ODEV_API odev_status odev_submit_transform(odev_device *device, const odev_transform_job *job, odev_ticket **ticket);
/* Waits until the job has ended, takes the ticket back and answers with the job's own status.  A job
 * that has run fills `result`, which may be null, however it ended: result.finished says what of the arrays
 * is good.  TIMEOUT: it has not ended within timeout_ns (0: just look; negative: wait for ever, and run it here if
 * it is next and has not begun), and the ticket is still good.  Each ticket is waited for to its end once, by one thread, before its device is closed. */
ODEV_API odev_status odev_wait(odev_ticket *ticket, int64_t timeout_ns, odev_result *result);
/* Waits in the same way, but leaves the ticket: OK once the job has ended, well or not; TIMEOUT.  Any
 * number of threads may do so at once, as long as none takes the ticket away by odev_wait.  After an
 * OK, odev_wait answers at once and with the job's own status. */
ODEV_API odev_status odev_poll(odev_ticket *ticket, int64_t timeout_ns);
/* Runs the job on the calling thread if it is next and has not begun, without the hop to the device's thread and
 * back; else does nothing.  OK: it has ended, as for odev_poll; TIMEOUT: it has not. */
ODEV_API odev_status odev_lend(odev_ticket *ticket);
/* What odev_wait would answer now, without taking the ticket. */
ODEV_API odev_status odev_outcome(odev_ticket *ticket, odev_result *result);
/* Takes a job that has not begun off the queue; it must still be waited for, and answers
 * ODEV_ERR_CANCELLED then.  One that has begun runs to its end. */
ODEV_API odev_status odev_cancel(odev_ticket *ticket);
/* As odev_cancel; and one that has begun ends before its next block of frames, some milliseconds of
 * an emulated device.  It answers ODEV_ERR_CANCELLED, unless it came to its end before it noticed.
 * The device goes on from the last frame that was exposed. */
ODEV_API odev_status odev_abort(odev_ticket *ticket);
/* All of a device's jobs, those of other threads' blocking calls included.  Returns at once. */
ODEV_API odev_status odev_abort_all(odev_device *device);
/* Submit and wait in one; on an idle device the job runs on the calling thread. */
ODEV_API odev_status odev_run_expose(odev_device *device, const odev_expose_job *job, odev_result *result);
ODEV_API odev_status odev_run_transform(odev_device *device, const odev_transform_job *job, odev_result *result);

/* The same functions that transform runs, by hand, in order with the queue: no device time passes. */
ODEV_API odev_status odev_encode(odev_device *device, const odev_encode_job *job);
ODEV_API odev_status odev_decode(odev_device *device, const odev_decode_job *job);

/* Device time passes, in order with the queue. */
ODEV_API odev_status odev_idle(odev_device *device, int64_t duration_ns);
/* Answers at once, even while a job runs; the sensors of a device that can't be asked then are as last read. */
ODEV_API odev_status odev_telemetry(odev_device *device, odev_telemetry_data *telemetry);
/* The same without asking the sensors, which are as last read: cheap enough to go with every job. */
ODEV_API odev_status odev_counters(odev_device *device, odev_telemetry_data *telemetry);

/* Where a session stands: what later counts depend on beside the device, its calibration and its parameters. */
typedef struct odev_session {
  uint32_t struct_size;
  uint32_t reserved;
  int64_t device_time_ns;
  uint64_t frames, exposures, pilots, retries, saturations, faults, lost, clock_jumps;
  uint64_t readings;                      /* of the sensors */
  double pilot_re, pilot_im;              /* gain of the last pilot against its calibration */
  int64_t pilot_time_ns;                  /* -1: none yet */
  uint64_t frames_since_pilot;
  double phase_mean_square, phase_count;  /* of the phase between pilots, and over how many */
  void *codes;                            /* [2 stages][2 heaters][n][n]: what the heaters hold */
} odev_session;

/* Both in order with the queue.  Saving fills `session` and the array at session->codes.  A device that was
 * opened alike, with the same calibration loaded and the same parameters, goes on after restoring as the
 * saved one would have.  CAPABILITY: this device is not reproducible (caps), so its clock is its own. */
ODEV_API odev_status odev_save_session(odev_device *device, odev_session *session);
ODEV_API odev_status odev_restore_session(odev_device *device, const odev_session *session);

#ifdef __cplusplus
}
#endif
#endif
