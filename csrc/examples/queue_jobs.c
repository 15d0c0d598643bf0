/* queue_jobs.c - the queue from C: submit a batch of jobs, look in on them, take some back.
 *
 *     build/queue_jobs [URI]
 *
 * Lists the device's parameters first, then keeps a handful of jobs in flight: the way to keep a
 * device busy while the program prepares and digests.
 */
#include <stdio.h>
#include <stdlib.h>

#include "optical_driver.h"

enum { JOBS = 6 };

static int complain(const char *what) {
  fprintf(stderr, "%s: %s\n", what, odev_last_message());
  return 1;
}

static int list_params(odev_device *device) {
  for (uint32_t id = 0; id < ODEV_PARAM_COUNT; ++id) {
    odev_param_info info = {.struct_size = sizeof info};
    double value;
    if (odev_describe_param(device, id, &info) || odev_get_param(device, id, &value)) return complain("parameter");
    printf("%s = %g%s%s, %g to %g%s\n", info.name, value, info.unit[0] ? " " : "", info.unit, info.minimum,
           info.maximum, info.read_only ? ", read-only" : "");
  }
  return 0;
}

/* A ticket is waited for to its end exactly once, whatever happened to its job. */
static int take(odev_ticket *ticket, int number) {
  odev_result result = {.struct_size = sizeof result};
  odev_status status;
  while ((status = odev_wait(ticket, 1000000, &result)) == ODEV_ERR_TIMEOUT) continue; /* time for other work */
  if (status == ODEV_OK)
    printf("job %d: %lld to %lld ns\n", number, (long long)result.start_ns, (long long)result.end_ns);
  else if (status == ODEV_ERR_CANCELLED)
    printf("job %d: cancelled\n", number);
  else
    return complain("wait");
  return 0;
}

static int run_jobs(odev_device *device) {
  odev_caps caps = {.struct_size = sizeof caps};
  if (odev_get_caps(device, &caps)) return complain("capabilities");
  const size_t pixels = (size_t)caps.n * caps.n;
  /* Jobs may share what they only read; each has counts of its own. */
  void *codes = calloc(4 * pixels, caps.dac_bits ? sizeof(uint16_t) : sizeof(float));
  void *counts = calloc(JOBS * pixels, caps.adc_bits ? sizeof(uint16_t) : sizeof(float));
  const uint8_t launch_step = 0;
  odev_ticket *tickets[JOBS] = {NULL};
  int failed = 0;
  if (!codes || !counts) {
    fputs("out of memory\n", stderr);
    failed = 1;
  }
  for (int i = 0; i < JOBS && !failed; ++i) {
    const odev_expose_job job = {
        .struct_size = sizeof job, .frames = 1, .exposures = 1, .reference = ODEV_REFERENCE_OFF, .laser_on = 1,
        .exposure_ns = caps.exposure_ns, .codes = codes, .launch_step = &launch_step,
        .counts = (char *)counts + (size_t)i * pixels * (caps.adc_bits ? sizeof(uint16_t) : sizeof(float))};
    if (odev_submit_expose(device, &job, &tickets[i])) failed = complain("submit");
  }
  /* The last is not wanted after all: it may have run by now, and that is no error. */
  if (!failed && odev_cancel(tickets[JOBS - 1])) failed = complain("cancel");
  for (int i = 0; i < JOBS; ++i)
    if (tickets[i]) failed |= take(tickets[i], i);
  free(codes);
  free(counts);
  return failed;
}

int main(int argc, char **argv) {
  odev_device *device = NULL;
  if (odev_open(argc > 1 ? argv[1] : "null:64", &device)) return complain("open");
  const int failed = list_params(device) || run_jobs(device);
  if (odev_close(device)) return complain("close");
  return failed;
}
