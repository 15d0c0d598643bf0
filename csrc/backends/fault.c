/* fault.c - "fault:?...&of=URI", a device with faults that come when they are asked to.
 *
 * Frames are counted as the device counts them, so that a frame that is repeated is another frame.  A
 * block is handed on in runs of frames between two events, over which the lasting faults are the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../core/device.h"
#include "../core/error.h"
#include "fault_options.h"
#include "schemes.h"

typedef struct {
  odev_backend inner;
  void *inner_context;
  odev_caps caps; /* the inner's, with the serial that is told */
  odev_fault_options options;
  void *codes;         /* of a run, and of the frame before it, with heaters stuck */
  size_t codes_bytes;
  void *counts; /* of a frame that gets lost */
  size_t counts_bytes;
} fault_device;

/* ---- when ------------------------------------------------------------------------------------ */

static int holds(const fault_device *d, odev_fault fault, uint64_t frame) {
  return odev_when_holds(&d->options.when[fault], d->options.seed, fault, frame);
}

/* The faults that last, as bits: those that change what a frame is or what comes of it. */
static uint32_t lasting(const fault_device *d, uint64_t frame) {
  uint32_t bits = 0;
  for (uint32_t f = ODEV_FAULT_STUCK_HEATER; f < ODEV_FAULT_COUNT; ++f)
    bits |= (uint32_t)holds(d, (odev_fault)f, frame) << f;
  return bits;
}

/* The fault that a frame ends with, 0 for none.  A laser that is off doesn't trip. */
static odev_fault ending(const fault_device *d, const odev_block *block, uint64_t frame) {
  static const odev_fault in_order[] = {ODEV_FAULT_OVER_TEMPERATURE, ODEV_FAULT_LASER_TRIP, ODEV_FAULT_TIMEOUT,
                                        ODEV_FAULT_DROPPED_FRAME, ODEV_FAULT_SHORT_READ};
  for (size_t i = 0; i < sizeof in_order / sizeof *in_order; ++i)
    if (holds(d, in_order[i], frame) && (in_order[i] != ODEV_FAULT_LASER_TRIP || block->laser_on)) return in_order[i];
  return (odev_fault)0;
}

/* ---- a run of frames ------------------------------------------------------------------------- */

static int grow(void **buffer, size_t *capacity, size_t bytes) {
  if (bytes <= *capacity) return 1;
  void *larger = realloc(*buffer, bytes);
  if (!larger) return 0;
  *buffer = larger;
  *capacity = bytes;
  return 1;
}

static void stick(const fault_device *d, void *codes, size_t at) {
  const odev_places *p = &d->options.stuck;
  const double full = d->caps.dac_bits ? (double)((1u << d->caps.dac_bits) - 1) : 1;
  for (uint32_t i = 0; i < p->count; ++i) {
    if (d->caps.dac_bits)
      ((uint16_t *)codes)[at + p->place[i]] = (uint16_t)(d->options.stuck_level * full + 0.5);
    else
      ((float *)codes)[at + p->place[i]] = (float)(d->options.stuck_level * full);
  }
}

/* The run's codes and the frame's before it, as the heaters really are. */
static int stick_heaters(fault_device *d, odev_block *run, uint32_t faults) {
  const uint32_t bit = 1u << ODEV_FAULT_STUCK_HEATER;
  const int before = run->first_frame > 0 && (lasting(d, run->first_frame - 1) & bit) != 0;
  if (!(faults & bit) && !before) return 1;
  const size_t bytes = odev_code_bytes(&d->caps), codes = 4 * (size_t)d->caps.n * d->caps.n;
  if (!grow(&d->codes, &d->codes_bytes, (run->frames + 1) * bytes)) return 0;
  memcpy(d->codes, run->previous_codes, bytes);
  memcpy((char *)d->codes + bytes, run->codes, run->frames * bytes);
  if (before) stick(d, d->codes, 0);
  for (uint32_t i = 1; (faults & bit) && i <= run->frames; ++i) stick(d, d->codes, i * codes);
  run->previous_codes = d->codes;
  run->codes = (char *)d->codes + bytes;
  return 1;
}

static void set_pixels(const fault_device *d, void *counts, size_t planes, const odev_places *p, uint32_t dn) {
  const size_t pixels = (size_t)d->caps.n * d->caps.n;
  for (size_t plane = 0; plane < planes; ++plane)
    for (uint32_t i = 0; i < p->count; ++i) {
      if (d->caps.adc_bits)
        ((uint16_t *)counts)[plane * pixels + p->place[i]] = (uint16_t)dn;
      else
        ((float *)counts)[plane * pixels + p->place[i]] = (float)dn;
    }
}

static odev_status execute_run(fault_device *d, odev_block run, uint32_t faults, size_t frame_planes,
                               odev_report *report) {
  if (!stick_heaters(d, &run, faults)) {
    snprintf(report->message, sizeof report->message, "out of memory for the codes of stuck heaters");
    return ODEV_ERR_MEMORY;
  }
  if (faults & 1u << ODEV_FAULT_STALE_CALIBRATION) run.laser_mw *= d->options.power_fraction;
  const odev_status status = d->inner.execute_block(d->inner_context, &run, report);
  const size_t planes = frame_planes * (status == ODEV_OK ? run.frames : report->frames_done);
  const uint32_t full = d->caps.adc_bits ? (1u << d->caps.adc_bits) - 1 : 65535;
  if (faults & 1u << ODEV_FAULT_DEAD_PIXEL) set_pixels(d, run.counts, planes, &d->options.dead, 0);
  if (faults & 1u << ODEV_FAULT_HOT_PIXEL) set_pixels(d, run.counts, planes, &d->options.hot, full);
  return status;
}

/* ---- a block --------------------------------------------------------------------------------- */

/* The block's frames from `begin` to before `end`, with its clock ahead by what it jumped. */
static odev_block part_of(const fault_device *d, const odev_block *block, uint32_t begin, uint32_t end,
                          size_t frame_planes, int64_t frame_ns, int64_t ahead_ns) {
  odev_block part = *block;
  const size_t code_bytes = odev_code_bytes(&d->caps);
  part.first_frame += begin;
  part.frames = end - begin;
  part.start_ns += begin * frame_ns + ahead_ns;
  part.codes = (const char *)block->codes + begin * code_bytes;
  if (begin) part.previous_codes = (const char *)part.codes - code_bytes;
  part.launch_step += (size_t)begin * block->exposures;
  part.counts = (char *)block->counts + begin * frame_planes * odev_count_bytes(&d->caps);
  return part;
}

static odev_status end_with(fault_device *d, odev_fault fault, const odev_block *frame, uint32_t faults,
                            size_t frame_planes, odev_report *report) {
  const unsigned long long number = frame->first_frame;
  const size_t bytes = frame_planes * odev_count_bytes(&d->caps);
  char text[ODEV_MESSAGE_SIZE] = "";
  odev_status status = ODEV_ERR_BACKEND;
  switch (fault) {
    case ODEV_FAULT_TIMEOUT:
      status = ODEV_ERR_NO_ANSWER;
      snprintf(text, sizeof text, "the camera gave no answer to frame %llu", number);
      break;
    case ODEV_FAULT_DROPPED_FRAME:
    case ODEV_FAULT_SHORT_READ: {
      /* The frame was exposed all the same. */
      const int is_short = fault == ODEV_FAULT_SHORT_READ;
      odev_block lost = *frame;
      if (!grow(&d->counts, &d->counts_bytes, bytes)) return ODEV_ERR_MEMORY;
      lost.counts = d->counts;
      odev_report own = {0};
      status = execute_run(d, lost, faults, frame_planes, &own);
      if (status != ODEV_OK) {
        *report = own;
        return status;
      }
      if (is_short) memcpy(frame->counts, d->counts, bytes / 2);
      status = is_short ? ODEV_ERR_SHORT_READ : ODEV_ERR_FRAME_LOST;
      if (is_short)
        snprintf(text, sizeof text, "frame %llu came short: %zu of %zu bytes", number, bytes / 2, bytes);
      else
        snprintf(text, sizeof text, "frame %llu was dropped", number);
      break;
    }
    case ODEV_FAULT_LASER_TRIP:
      status = ODEV_ERR_INTERLOCK;
      snprintf(text, sizeof text, "the laser tripped at frame %llu", number);
      break;
    case ODEV_FAULT_OVER_TEMPERATURE:
      status = ODEV_ERR_OVER_TEMPERATURE;
      snprintf(text, sizeof text, "the chip reached %g K at frame %llu: the heaters are off", d->options.temperature_k,
               number);
      break;
    default: break;
  }
  report->native_code = (int32_t)fault;
  report->cause = 0;
  memcpy(report->message, text, sizeof text);
  return status;
}

static odev_status execute_block(void *context, const odev_block *block, odev_report *report) {
  fault_device *d = context;
  const uint32_t steps = odev_caps_steps(&d->caps, block->reference);
  const size_t planes = (size_t)block->exposures * steps;
  const int64_t frame_ns = odev_frame_ns(&d->caps, block->exposures, steps, block->exposure_ns);
  const int64_t jump_ns = (int64_t)(d->options.clock_jump_s * 1e9);
  int64_t ahead_ns = 0;
  odev_status status = ODEV_OK;
  uint32_t at = 0;
  odev_fault fault = (odev_fault)0;
  while (at < block->frames && status == ODEV_OK && !fault) {
    const uint64_t frame = block->first_frame + at;
    if (holds(d, ODEV_FAULT_CLOCK_JUMP, frame)) ahead_ns += jump_ns;
    const uint32_t faults = lasting(d, frame);
    uint32_t end = at;
    while (end < block->frames && (fault = ending(d, block, block->first_frame + end)) == 0 &&
           lasting(d, block->first_frame + end) == faults &&
           (end == at || !holds(d, ODEV_FAULT_CLOCK_JUMP, block->first_frame + end)))
      ++end;
    if (end > at) {
      fault = (odev_fault)0; /* its turn comes, with its own faults */
      const odev_block run = part_of(d, block, at, end, planes, frame_ns, ahead_ns);
      odev_report own = {0};
      status = execute_run(d, run, faults, planes, &own);
      at = status == ODEV_OK ? end : at + own.frames_done;
      ahead_ns += own.clock_jump_ns;
      if (status != ODEV_OK) *report = own;
    } else if (fault) {
      const odev_block one = part_of(d, block, at, at + 1, planes, frame_ns, ahead_ns);
      status = end_with(d, fault, &one, faults, planes, report);
    }
  }
  report->frames_done = at;
  report->clock_jump_ns = ahead_ns;
  return status;
}

/* ---- the rest of the table ------------------------------------------------------------------- */

static odev_status get_caps(void *context, odev_caps *caps) {
  *caps = ((const fault_device *)context)->caps;
  return ODEV_OK;
}

static odev_status get_data_sheet(void *context, odev_data_sheet *sheet) {
  const fault_device *d = context;
  return d->inner.get_data_sheet(d->inner_context, sheet);
}

static odev_status read_sensors(void *context, uint64_t reading, double laser_mw, const void *codes,
                                odev_telemetry_data *telemetry, odev_report *report) {
  const fault_device *d = context;
  const int stale = holds(d, ODEV_FAULT_STALE_CALIBRATION, telemetry->frames);
  const odev_status status = d->inner.read_sensors(
      d->inner_context, reading, stale ? laser_mw * d->options.power_fraction : laser_mw, codes, telemetry, report);
  if (holds(d, ODEV_FAULT_OVER_TEMPERATURE, telemetry->frames)) telemetry->temperature_k = d->options.temperature_k;
  return status;
}

static void close_faults(void *context) {
  fault_device *d = context;
  d->inner.close(d->inner_context);
  free(d->codes);
  free(d->counts);
  free(d);
}

odev_status odev_wrap_in_faults(const odev_uri *uri, const odev_backend *inner, void *inner_context,
                                odev_backend *backend, void **context) {
  fault_device *d = calloc(1, sizeof *d);
  odev_status status = d ? inner->get_caps(inner_context, &d->caps) : odev_fail(ODEV_ERR_MEMORY, "out of memory for faults");
  if (d && status != ODEV_OK) odev_fail(status, "the device inside fault: has no capabilities to tell");
  if (status == ODEV_OK) status = odev_fault_options_parse(uri, &d->caps, &d->options);
  if (status != ODEV_OK) {
    inner->close(inner_context);
    free(d);
    return status;
  }
  d->inner = *inner;
  d->inner_context = inner_context;
  if (d->options.serial[0]) memcpy(d->caps.serial, d->options.serial, sizeof d->caps.serial);
  d->caps.concurrent = 0; /* a lost frame is repeated before the next one */
  *backend = *inner;
  backend->scheme = "fault";
  backend->get_caps = get_caps;
  backend->get_data_sheet = inner->get_data_sheet ? get_data_sheet : NULL;
  backend->execute_block = execute_block;
  backend->read_sensors = read_sensors;
  backend->close = close_faults;
  *context = d;
  return ODEV_OK;
}

odev_status odev_make_fault(const odev_uri *uri, odev_backend *backend, void **context) {
  if (*uri->name)
    return odev_fail(ODEV_ERR_ARGUMENT, "fault: has options only, as in fault:?dropped_frame=17&of=null:64, not the name '%s'",
                     uri->name);
  if (!uri->of) return odev_fail(ODEV_ERR_ARGUMENT, "fault: needs the device it is around, at its end: &of=null:64");
  odev_backend inner;
  void *inner_context = NULL;
  const odev_status status = odev_make_backend(uri->of, &inner, &inner_context);
  if (status != ODEV_OK) return status;
  if (!inner.get_caps || !inner.execute_block || !inner.read_sensors || !inner.close) {
    if (inner.close) inner.close(inner_context);
    return odev_fail(ODEV_ERR_ARGUMENT, "a function of the backend inside fault: is null");
  }
  return odev_wrap_in_faults(uri, &inner, inner_context, backend, context);
}
