/* expose_counts.c - the driver from C: open a device, expose frames, print what the camera saw.
 *
 *     cmake -S csrc -B build -DODEV_PYTHON=OFF -DODEV_TESTS=ON && cmake --build build
 *     build/expose_counts [URI [frames]]
 *
 * The device is null:64 if none is named, which has nothing behind it and counts zeros.
 */
#include <stdio.h>
#include <stdlib.h>

#include "optical_driver.h"

static int complain(const char *what) {
  fprintf(stderr, "%s: %s\n", what, odev_last_message());
  return 1;
}

static int expose(odev_device *device, uint32_t frames) {
  /* What the device is. Every struct starts with its size: that is how versions are told apart. */
  odev_caps caps = {.struct_size = sizeof caps};
  if (odev_get_caps(device, &caps)) return complain("capabilities");
  const size_t pixels = (size_t)caps.n * caps.n;
  printf("%s: %u x %u, %u-bit codes, %u-bit counts\n", caps.serial, caps.n, caps.n, caps.dac_bits,
         caps.adc_bits);

  if (!caps.dac_bits || !caps.adc_bits) {
    fputs("this program is for devices with converters: codes and counts are whole numbers\n", stderr);
    return 1;
  }

  /* A frame is a code for each of a pixel's four heaters, and an attenuator step; it yields one count
   * for each pixel and step of the reference. */
  const size_t all_codes = frames * 4 * pixels, all_counts = (size_t)frames * caps.reference_steps * pixels;
  uint16_t *codes = calloc(all_codes, sizeof *codes);
  uint16_t *counts = calloc(all_counts, sizeof *counts);
  uint8_t *launch_step = calloc(frames, sizeof *launch_step);
  int failed = 1;
  if (!codes || !counts || !launch_step) {
    fputs("out of memory\n", stderr);
    goto done;
  }
  for (size_t i = 0; i < all_codes; ++i) codes[i] = (uint16_t)(i % (1u << caps.dac_bits));

  const odev_expose_job job = {.struct_size = sizeof job,
                               .frames = frames,
                               .exposures = 1,
                               .reference = caps.reference_steps > 1 ? ODEV_REFERENCE_STEPS : ODEV_REFERENCE_OFF,
                               .laser_on = 1,
                               .threads = 2,
                               .exposure_ns = caps.exposure_ns,
                               .codes = codes,
                               .launch_step = launch_step,
                               .counts = counts};
  odev_result result = {.struct_size = sizeof result};

  /* In the background: any thread may submit, and the arrays must live until the ticket has been
   * waited for.  odev_run_expose does both in one call. */
  odev_ticket *ticket = NULL;
  if (odev_submit_expose(device, &job, &ticket)) {
    complain("submit");
    goto done;
  }
  if (odev_wait(ticket, -1, &result)) {
    complain("expose");
    goto done;
  }

  double sum = 0;
  for (size_t i = 0; i < all_counts; ++i) sum += counts[i];
  printf("%llu frames, %llu exposures, mean count %.2f, device time %lld to %lld ns\n",
         (unsigned long long)result.frames, (unsigned long long)result.exposures,
         sum / (double)all_counts, (long long)result.start_ns,
         (long long)result.end_ns);

  odev_telemetry_data telemetry = {.struct_size = sizeof telemetry};
  if (odev_telemetry(device, &telemetry)) {
    complain("telemetry");
    goto done;
  }
  printf("since opening: %llu frames, %.6f s, %.2f K, %llu faults\n",
         (unsigned long long)telemetry.frames, (double)telemetry.device_time_ns * 1e-9,
         telemetry.temperature_k, (unsigned long long)telemetry.faults);
  failed = 0;

done:
  free(codes);
  free(counts);
  free(launch_step);
  return failed;
}

int main(int argc, char **argv) {
  const char *uri = argc > 1 ? argv[1] : "null:64";
  const long frames = argc > 2 ? strtol(argv[2], NULL, 10) : 3;
  if (frames < 1 || frames > 1000 || argc > 3) {
    fprintf(stderr, "usage: %s [URI [frames: 1 to 1000]]\n", argv[0]);
    return 2;
  }
  odev_device *device = NULL;
  if (odev_open(uri, &device)) return complain("open");
  const int failed = expose(device, (uint32_t)frames);
  if (odev_close(device)) return complain("close");
  return failed;
}
