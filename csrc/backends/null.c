/* null.c - "null:N", a device of N x N pixels with nothing behind it: every count is 0. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../core/error.h"
#include "schemes.h"

static odev_status get_caps(void *context, odev_caps *caps) {
  *caps = *(const odev_caps *)context;
  return ODEV_OK;
}

static odev_status execute_block(void *context, const odev_block *block, odev_report *report) {
  const odev_caps *caps = context;
  (void)report;
  const size_t steps = block->reference == ODEV_REFERENCE_STEPS ? caps->reference_steps : 1;
  memset(block->counts, 0, (size_t)block->frames * block->exposures * steps * caps->n * caps->n * sizeof(uint16_t));
  return ODEV_OK;
}

static odev_status read_sensors(void *context, uint64_t reading, double laser_mw, const void *codes,
                                odev_telemetry_data *telemetry, odev_report *report) {
  (void)context, (void)reading, (void)laser_mw, (void)codes, (void)report;
  telemetry->temperature_k = 0;
  telemetry->laser_mw = 0;
  return ODEV_OK;
}

odev_status odev_make_null(const odev_uri *uri, odev_backend *backend, void **context) {
  char *end = NULL;
  const long n = *uri->name ? strtol(uri->name, &end, 10) : 64;
  if (n < 1 || n > 512 || (end && *end))
    return odev_fail(ODEV_ERR_ARGUMENT, "null:N takes a grid size of 1 to 512, not '%s'", uri->name);
  if (uri->count || uri->of)
    return odev_fail(ODEV_ERR_ARGUMENT, "null:N takes no options, not '%s'", uri->of ? "of" : uri->keys[0]);
  odev_caps *caps = calloc(1, sizeof *caps);
  if (!caps) return odev_fail(ODEV_ERR_MEMORY, "out of memory for the device");
  *caps = (odev_caps){.struct_size = sizeof *caps, .n = (uint32_t)n, .dac_bits = 14, .adc_bits = 12,
                      .launch_steps = 32, .concurrent = 1, .reproducible = 1, .reference_steps = 4,
                      .launch_step_db = 1.5, .exposure_ns = 1000,
                      .exposure_min_ns = 1, .exposure_max_ns = 1000000000};
  snprintf(caps->serial, sizeof caps->serial, "null-%ld", n);
  snprintf(caps->kernels, sizeof caps->kernels, "none");
  *backend = (odev_backend){.struct_size = sizeof *backend, .abi_version = ODEV_ABI_VERSION, .scheme = "null",
                            .get_caps = get_caps, .execute_block = execute_block,
                            .read_sensors = read_sensors, .laser_nominal_mw = 1, .laser_max_mw = 1,
                            .close = free};
  *context = caps;
  return ODEV_OK;
}
