/* optical_driver.cdef.h - what Python sees of the headers named below; cffi checks it against them
 * when it is compiled, so a field out of step does not build. */
/* optical_driver.h */
#define ODEV_ABI_VERSION 2
#define ODEV_MAX_LAUNCH_STEPS 64
#define ODEV_MAX_EXPOSURES 8
#define ODEV_NAME_SIZE 64
typedef enum odev_status {
  ODEV_OK = 0,
  ODEV_ERR_ARGUMENT = 1,
  ODEV_ERR_SHAPE = 2,
  ODEV_ERR_DTYPE = 3,
  ODEV_ERR_NONFINITE = 4,
  ODEV_ERR_CLOSED = 5,
  ODEV_ERR_FORKED = 6,
  ODEV_ERR_CAPABILITY = 7,
  ODEV_ERR_TIMEOUT = 8,
  ODEV_ERR_MEMORY = 9,
  ODEV_ERR_BACKEND = 10,
  ODEV_ERR_CALIBRATION = 11,
  ODEV_ERR_OVER_TEMPERATURE = 12,
  ODEV_ERR_NOT_FOUND = 13,
  ODEV_ERR_CANCELLED = 14,
  ODEV_ERR_READ_ONLY = 15,
  ODEV_ERR_FRAME_LOST = 16,
  ODEV_ERR_SHORT_READ = 17,
  ODEV_ERR_NO_ANSWER = 18,
  ODEV_ERR_INTERLOCK = 19,
  ODEV_ERR_RECORDING = 20
} odev_status;
typedef struct odev_device odev_device;
typedef struct odev_ticket odev_ticket;
typedef enum odev_layout { ODEV_LAYOUT_MFT = 0, ODEV_LAYOUT_4F = 1 } odev_layout;
typedef struct odev_caps {
  uint32_t struct_size;
  uint32_t n;
  uint32_t dac_bits, adc_bits;
  uint32_t launch_steps;
  uint32_t concurrent;
  uint32_t reproducible;
  uint32_t layout;
  uint32_t reference_steps;
  double launch_step_db;
  int64_t write_ns, settle_ns, exposure_ns, readout_ns;
  int64_t exposure_min_ns, exposure_max_ns;
  char serial[ODEV_NAME_SIZE];
  char kernels[ODEV_NAME_SIZE];
} odev_caps;
typedef struct odev_data_sheet {
  uint32_t struct_size;
  uint32_t nominal_is_true;
  uint32_t launch_default_step;
  uint32_t reserved;
  char profile_name[64];
  char profile_hash[128];
  double power_w;
  double tau_us;
  double p_pi_mw, power_full_mw, resistance_slope_per_mw;
  double link_nearest, link_diagonal, link_partner;
  double b0, b1;
  double signal_rate_photons_per_us, reference_rate_photons_per_us;
  double element_width_fraction, reference_waist_px;
  double qe, gain_e_per_dn, full_well_e, read_noise_e, black_level_dn;
  double link_ring[3], substrate_k_per_mw[9];
  double ambient_rad_per_k, wavelength_nm, wavelength_rad_per_pm;
} odev_data_sheet;
typedef enum odev_param {
  ODEV_PARAM_LASER_ENABLED = 0,
  ODEV_PARAM_LASER_MW = 1,
  ODEV_PARAM_REFERENCE_FRACTION = 2,
  ODEV_PARAM_DEVICE_TIME_S = 3,
  ODEV_PARAM_COUNT = 4
} odev_param;
typedef enum odev_param_type {
  ODEV_TYPE_REAL = 0,
  ODEV_TYPE_SWITCH = 1
} odev_param_type;
typedef struct odev_param_info {
  uint32_t struct_size;
  uint32_t id;
  char name[ODEV_NAME_SIZE];
  char unit[16];
  double minimum, maximum;
  uint32_t read_only;
  uint32_t type;
} odev_param_info;
typedef struct odev_telemetry_data {
  uint32_t struct_size;
  uint32_t threads;
  uint32_t queued;
  uint32_t flags;
  int64_t device_time_ns;
  uint64_t frames, exposures, pilots, retries;
  uint64_t saturations;
  uint64_t faults;
  uint64_t lost;
  uint64_t clock_jumps;
  uint32_t interlock;
  uint32_t reserved;
  double temperature_k, laser_mw;
  double drift_phase_rad, drift_amplitude;
  double phase_sigma_rad;
  int64_t pilot_time_ns;
} odev_telemetry_data;
typedef enum odev_reference {
  ODEV_REFERENCE_OFF = 0,
  ODEV_REFERENCE_STEPS = 1,
  ODEV_REFERENCE_ONLY = 2
} odev_reference;
typedef struct odev_expose_job {
  uint32_t struct_size;
  uint32_t frames, exposures, reference, laser_on;
  int32_t threads;
  int64_t exposure_ns;
  const void *codes;
  const uint8_t *launch_step;
  void *counts;
} odev_expose_job;
typedef struct odev_transform_job {
  uint32_t struct_size;
  uint32_t items;
  int32_t threads;
  uint32_t inverse;
  uint32_t residual;
  uint32_t exposures;
  uint8_t brighten[ODEV_MAX_EXPOSURES];
  uint32_t retries;
  uint32_t pilot_period;
  int64_t pilot_max_age_ns;
  int64_t exposure_ns;
  uint32_t laser_on;
  const float *x, *operand;
  float *y;
} odev_transform_job;
enum {
  ODEV_FLAG_SATURATED = 1,
  ODEV_FLAG_CALIBRATION_STALE = 2,
  ODEV_FLAG_OVER_TEMPERATURE = 4,
  ODEV_FLAG_CLOCK_JUMP = 8
};
#define ODEV_MAX_REPEATS 3
typedef struct odev_result {
  uint32_t struct_size;
  uint32_t flags;
  int64_t start_ns, end_ns;
  uint64_t frames, exposures, pilots, retries, saturations;
  uint64_t lost;
  uint64_t finished;
} odev_result;
typedef struct odev_calibration {
  uint32_t struct_size;
  uint32_t n, launch_steps;
  uint32_t pilot_launch_step;
  const double *power_full_mw;
  const double *rho;
  const double *theta0_rad;
  const double *kappa_rad_per_mw;
  const double *beta_per_mw;
  const double *links;
  const double *partner;
  const double *ring;
  const double *substrate_rad_per_mw;
  const double *input_map;
  const double *middle_map;
  const double *output_map;
  const double *reference_plane_dn;
  const double *launch_gain;
  const double *pilot_spectrum;
  const void *pilot_codes;
  double conjugate_leak[2];
  double black_dn, saturation_dn, reference_dn, gain_e_per_dn, read_noise_dn;
} odev_calibration;
typedef struct odev_encode_job {
  uint32_t struct_size;
  uint32_t items;
  uint32_t inverse;
  const float *x, *operand;
  void *codes;
  float *scale;
  uint8_t *launch_step;
} odev_encode_job;
typedef struct odev_decode_job {
  uint32_t struct_size;
  uint32_t items, exposures;
  uint32_t inverse;
  const void *counts;
  const uint8_t *launch_step;
  const float *scale;
  float *y;
} odev_decode_job;
uint32_t odev_abi_version(void);
const char *odev_status_name(odev_status status);
const char *odev_last_message(void);
int32_t odev_last_native_code(void);
uint64_t odev_last_cause(void);
const char *const *odev_enumerate(void);
odev_status odev_open(const char *uri, odev_device **device);
odev_status odev_close(odev_device *device);
odev_status odev_get_caps(odev_device *device, odev_caps *caps);
odev_status odev_get_data_sheet(odev_device *device, odev_data_sheet *sheet);
odev_status odev_describe_param(odev_device *device, uint32_t id, odev_param_info *info);
odev_status odev_get_param(odev_device *device, uint32_t id, double *value);
odev_status odev_set_param(odev_device *device, uint32_t id, double value);
odev_status odev_load_calibration(odev_device *device, const odev_calibration *calibration);
odev_status odev_submit_expose(odev_device *device, const odev_expose_job *job, odev_ticket **ticket);
odev_status odev_submit_transform(odev_device *device, const odev_transform_job *job, odev_ticket **ticket);
odev_status odev_wait(odev_ticket *ticket, int64_t timeout_ns, odev_result *result);
odev_status odev_poll(odev_ticket *ticket, int64_t timeout_ns);
odev_status odev_lend(odev_ticket *ticket);
odev_status odev_outcome(odev_ticket *ticket, odev_result *result);
odev_status odev_cancel(odev_ticket *ticket);
odev_status odev_abort(odev_ticket *ticket);
odev_status odev_abort_all(odev_device *device);
odev_status odev_run_expose(odev_device *device, const odev_expose_job *job, odev_result *result);
odev_status odev_run_transform(odev_device *device, const odev_transform_job *job, odev_result *result);
odev_status odev_encode(odev_device *device, const odev_encode_job *job);
odev_status odev_decode(odev_device *device, const odev_decode_job *job);
odev_status odev_idle(odev_device *device, int64_t duration_ns);
odev_status odev_telemetry(odev_device *device, odev_telemetry_data *telemetry);
odev_status odev_counters(odev_device *device, odev_telemetry_data *telemetry);
typedef struct odev_session {
  uint32_t struct_size;
  uint32_t reserved;
  int64_t device_time_ns;
  uint64_t frames, exposures, pilots, retries, saturations, faults, lost, clock_jumps;
  uint64_t readings;
  double pilot_re, pilot_im;
  int64_t pilot_time_ns;
  uint64_t frames_since_pilot;
  double phase_mean_square, phase_count;
  void *codes;
} odev_session;
odev_status odev_save_session(odev_device *device, odev_session *session);
odev_status odev_restore_session(odev_device *device, const odev_session *session);

/* optical_backend.h */
typedef struct odev_block {
  uint64_t first_frame;
  int64_t start_ns;
  uint32_t frames, exposures, reference, laser_on;
  int64_t exposure_ns;
  double laser_mw, reference_fraction;
  const void *codes;
  const void *previous_codes;
  const uint8_t *launch_step;
  void *counts;
  void *scratch;
} odev_block;

#define ODEV_MESSAGE_SIZE 256
typedef struct odev_report {
  uint32_t frames_done;
  int32_t native_code;
  uint64_t cause;
  int64_t clock_jump_ns;
  char message[ODEV_MESSAGE_SIZE];
} odev_report;
typedef struct odev_backend {
  uint32_t struct_size;
  uint32_t abi_version;
  const char *scheme;
  odev_status (*get_caps)(void *context, odev_caps *caps);
  odev_status (*get_data_sheet)(void *context, odev_data_sheet *sheet);
  odev_status (*execute_block)(void *context, const odev_block *block, odev_report *report);
  odev_status (*read_sensors)(void *context, uint64_t reading, double laser_mw, const void *codes,
                              odev_telemetry_data *telemetry, odev_report *report);
  double laser_nominal_mw, laser_max_mw;
  uint64_t scratch_bytes;
  void (*close)(void *context);
} odev_backend;
odev_status odev_open_backend(const odev_backend *backend, void *context, odev_device **device);
odev_status odev_read_data_sheet(const odev_backend *backend, void *context, odev_data_sheet *sheet);
typedef struct odev_uri {
  const char *scheme, *name;
  const char *of;
  uint32_t count;
  const char *const *keys;
  const char *const *values;
} odev_uri;
odev_status odev_uri_parse(const char *text, odev_uri **uri);
void odev_uri_free(odev_uri *uri);
const char *odev_nearest_word(const char *word, const char *const *words);
odev_status odev_make_backend(const char *uri, odev_backend *backend, void **context);
odev_status odev_wrap_in_faults(const odev_uri *faults, const odev_backend *inner, void *inner_context,
                                odev_backend *backend, void **context);
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

/* The table of a backend that is written in Python (driver/backends/python.py). */
extern "Python" odev_status odev_python_get_caps(void *context, odev_caps *caps);
extern "Python" odev_status odev_python_execute_block(void *context, const odev_block *block, odev_report *report);
extern "Python" odev_status odev_python_read_sensors(void *context, uint64_t reading, double laser_mw,
                                                     const void *codes, odev_telemetry_data *telemetry,
                                                     odev_report *report);
extern "Python" void odev_python_close(void *context);

/* optical_emulator.h */
typedef struct odev_emulator_spec {
  uint32_t struct_size;
  uint32_t n, dac_bits, adc_bits, launch_steps;
  uint32_t layout, reference_steps;
  uint32_t shot_noise, poisson;
  uint32_t slow_lens, follows_wavelength;
  uint64_t seed;
  const char *serial;
  int64_t write_ns, settle_ns, exposure_ns, readout_ns, exposure_min_ns, exposure_max_ns;
  double launch_step_db;
  double laser_nominal_mw, laser_max_mw;
  const double *dac_bow, *dac_bit_error;
  const double *power_full_mw;
  const double *resistance_slope_per_mw;
  const double *p_pi_mw;
  const double *static_phase_rad;
  const double *links;
  const double *partner;
  const double *ring, *substrate_k_per_mw;
  const double *b0, *b1;
  const double *input_map, *middle_map, *output_map;
  const double *reference_map;
  const double *qe_map, *dark_e_per_s_map;
  const double *launch_gain;
  const double *step_phase_rad;
  const double *drift_amplitude, *drift_omega_rad_per_s, *drift_phase_rad;
  double transient_memory;
  double ambient_rad_per_k, wavelength_rad_per_pm;
  double interlock_k;
  double rotation_rad, magnification, wavelength_nm;
  double signal_rate_photons_per_us, reference_rate_photons_per_us, stray_rate_photons_per_us;
  double relative_intensity_noise;
  double read_noise_e, full_well_e, gain_e_per_dn, black_level_dn;
  double ambient_k, temperature_offset_k, temperature_noise_k, laser_sensor_gain, laser_sensor_noise;
} odev_emulator_spec;
odev_status odev_make_emulator(const odev_emulator_spec *spec, const odev_data_sheet *sheet,
                               odev_backend *backend, void **context);
odev_status odev_save_emulator(const odev_emulator_spec *spec, const odev_data_sheet *sheet, const char *path);

/* optical_convolution.h */
typedef struct odev_segment {
  uint32_t tile, row, column;
  uint32_t image, top, left;
  uint32_t height, width;
} odev_segment;
typedef struct odev_tiles {
  uint32_t n;
  uint32_t first_tile, tiles;
  uint32_t extent_rows, extent_columns;
  uint32_t halo_rows, halo_columns;
  uint32_t pack;
  const odev_segment *segment;
  const uint32_t *first_segment;
  const uint64_t *first_seam;
} odev_tiles;
typedef enum odev_padding {
  ODEV_PADDING_ZEROS = 0,
  ODEV_PADDING_REFLECT = 1,
  ODEV_PADDING_REPLICATE = 2,
  ODEV_PADDING_CIRCULAR = 3
} odev_padding;
typedef struct odev_plane_source {
  uint32_t channel, row, column;
} odev_plane_source;
typedef struct odev_pictures {
  uint32_t batch, channels, height, width;
  uint32_t padding_mode, pad_top, pad_left, padded_height, padded_width;
  uint32_t step_rows, step_columns;
  uint32_t planes;
  const odev_plane_source *plane;
} odev_pictures;
typedef struct odev_cut_job {
  uint32_t struct_size;
  int32_t threads;
  uint32_t cotangent;
  odev_tiles tiles;
  odev_pictures pictures;
  const float *x;
  float *frames, *scale, *polynomials, *seams;
} odev_cut_job;
typedef struct odev_put_job {
  uint32_t struct_size;
  int32_t threads;
  uint32_t add;
  odev_tiles tiles;
  uint32_t batch, outputs, height, width;
  uint32_t stride_rows, stride_columns;
  uint32_t groups, inputs;
  const float *frames, *scale, *polynomials, *moments, *bias;
  float *y;
} odev_put_job;
typedef struct odev_seam_job {
  uint32_t struct_size;
  int32_t threads;
  odev_tiles tiles;
  uint32_t batch, height, width;
  uint32_t groups, outputs, inputs;
  uint32_t taps_rows, taps_columns, dilation_rows, dilation_columns;
  const float *weight, *seams;
  float *y;
} odev_seam_job;
typedef struct odev_fold_job {
  uint32_t struct_size;
  int32_t threads;
  odev_tiles tiles;
  odev_pictures pictures;
  const float *frames, *scale;
  float *x;
} odev_fold_job;
typedef struct odev_spectra_job {
  uint32_t struct_size;
  int32_t threads;
  uint32_t n, pictures, pack;
  float *frames, *scale, *spectra;
} odev_spectra_job;
typedef struct odev_kernel_job {
  uint32_t struct_size;
  int32_t threads;
  uint32_t n, groups, outputs, inputs, taps_rows, taps_columns, dilation_rows, dilation_columns;
  const float *weight;
  float *spectra;
} odev_kernel_job;
enum { ODEV_FORMED_TAPS = 9 };
typedef struct odev_product_job {
  uint32_t struct_size;
  int32_t threads;
  uint32_t n, tiles, groups, inputs, outputs, first, count, adjoint;
  uint32_t taps_rows, taps_columns, dilation_rows, dilation_columns;
  const float *x, *kernels, *weight;
  float *y;
} odev_product_job;
typedef struct odev_taps_job {
  uint32_t struct_size;
  int32_t threads;
  uint32_t n, tiles, groups, outputs, inputs, taps_rows, taps_columns, dilation_rows, dilation_columns;
  const float *x, *g;
  float *gradient;
} odev_taps_job;
uint32_t odev_bin_blocks(uint32_t n);
odev_status odev_largest_magnitude(const float *x, uint64_t count, int32_t threads, float *largest);
uint64_t odev_seam_pitch(uint32_t outputs, uint32_t extent);
odev_status odev_cut(const odev_cut_job *job);
odev_status odev_put(const odev_put_job *job);
odev_status odev_close_seams(const odev_seam_job *job);
odev_status odev_fold(const odev_fold_job *job);
odev_status odev_separate_spectra(const odev_spectra_job *job);
odev_status odev_join_spectra(const odev_spectra_job *job);
odev_status odev_kernel_spectra(const odev_kernel_job *job);
odev_status odev_multiply_spectra(const odev_product_job *job);
odev_status odev_correlate_taps(const odev_taps_job *job);

/* canary.h */
odev_status odev_canary(const char *fault);

/* handover.h */
odev_status odev_handover_time(uint32_t rounds, double *seconds);

/* stages.h */
typedef struct odev_stage_outputs {
  float *power_mw;
  float *phase_turns;
  float *field;
  float *spectrum;
  double *moments_mw;
} odev_stage_outputs;
odev_status odev_stages_run(const odev_emulator_spec *spec, const char *kernels, const odev_block *block,
                            const odev_stage_outputs *out);
odev_status odev_stages_time(const odev_emulator_spec *spec, const char *kernels, const odev_block *block,
                             double seconds[4]);
odev_status odev_stages_fft2(const char *kernels, uint32_t n, float *frame);
odev_status odev_stages_time_fft2(const char *kernels, uint32_t n, uint32_t frames, double *seconds);
odev_status odev_stages_random(const char *kernels, const uint32_t key[2], const uint32_t counter[4],
                               uint32_t *words, float *normals);
