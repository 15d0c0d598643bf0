/* data_sheet.c - what is nominal about a device: as its backend says, or made up. */
#include <math.h>
#include <stdio.h>

#include "device.h"

/* A plain device: dimensions of undercut heaters and a small camera.  Only a calibration knows better. */
static odev_data_sheet plain_sheet(const odev_caps *caps, const char *scheme) {
  odev_data_sheet sheet = {.struct_size = sizeof sheet,
                           .launch_default_step = caps->launch_steps / 2,
                           .tau_us = (double)caps->settle_ns * 1e-3 / 8,
                           .p_pi_mw = 1,
                           .power_full_mw = 2.5,
                           .b0 = 0.5,
                           .b1 = 0.5,
                           .signal_rate_photons_per_us = 100,
                           .reference_rate_photons_per_us = 100,
                           .reference_waist_px = INFINITY,
                           .qe = 1,
                           .gain_e_per_dn = 1,
                           .full_well_e = caps->adc_bits ? (double)(1u << caps->adc_bits) : 65536,
                           .read_noise_e = 1,
                           .wavelength_nm = 1550};
  snprintf(sheet.profile_name, sizeof sheet.profile_name, "%s", scheme ? scheme : "");
  return sheet;
}

static const char *problem_of(const odev_data_sheet *s, const odev_caps *caps) {
  if (s->struct_size != sizeof *s) return "struct_size is not this build's odev_data_sheet";
  if (s->launch_default_step >= caps->launch_steps) return "launch_default_step must be below launch_steps";
  if (s->profile_name[sizeof s->profile_name - 1] || s->profile_hash[sizeof s->profile_hash - 1])
    return "a name is not terminated";
  const double positive[] = {s->p_pi_mw, s->power_full_mw, s->b0, s->b1, s->qe, s->gain_e_per_dn, s->full_well_e,
                             s->signal_rate_photons_per_us, s->reference_rate_photons_per_us, s->reference_waist_px};
  for (size_t i = 0; i < sizeof positive / sizeof *positive; ++i)
    if (!(positive[i] > 0)) return "a nominal value that is divided by is not positive";
  const double finite[] = {s->resistance_slope_per_mw, s->link_nearest, s->link_diagonal, s->link_partner,
                           s->element_width_fraction, s->read_noise_e, s->black_level_dn, s->power_w, s->tau_us,
                           s->wavelength_nm};
  for (size_t i = 0; i < sizeof finite / sizeof *finite; ++i)
    if (!(finite[i] >= 0 && finite[i] < INFINITY)) return "a nominal value is negative or not finite";
  return NULL;
}

odev_status odev_read_data_sheet(const odev_backend *backend, void *context, odev_data_sheet *sheet) {
  if (!backend || !backend->get_caps || !sheet || sheet->struct_size != sizeof *sheet)
    return odev_fail(ODEV_ERR_ARGUMENT, "sheet: struct_size must be sizeof(odev_data_sheet) = %zu", sizeof *sheet);
  odev_caps caps = {.struct_size = sizeof caps};
  odev_status status = backend->get_caps(context, &caps);
  *sheet = plain_sheet(&caps, backend->scheme);
  if (status == ODEV_OK && backend->get_data_sheet) status = backend->get_data_sheet(context, sheet);
  if (status != ODEV_OK) return odev_fail(status, "the backend's data sheet could not be read");
  const char *problem = problem_of(sheet, &caps);
  return problem ? odev_fail(ODEV_ERR_BACKEND, "the backend's data sheet: %s", problem) : ODEV_OK;
}

odev_status odev_get_data_sheet(odev_device *device, odev_data_sheet *sheet) {
  const odev_status usable = odev_check_device(device);
  return usable == ODEV_OK ? odev_read_data_sheet(&device->backend, device->context, sheet) : usable;
}
