/* fault_options.c - the keys of a fault: URI, with a hint where one is misspelt. */
#include "fault_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../core/error.h"

static const struct {
  const char *key;
  odev_fault fault;
} faults[] = {{"dropped_frame", ODEV_FAULT_DROPPED_FRAME},
              {"timeout", ODEV_FAULT_TIMEOUT},
              {"short_read", ODEV_FAULT_SHORT_READ},
              {"laser_trip", ODEV_FAULT_LASER_TRIP},
              {"over_temperature", ODEV_FAULT_OVER_TEMPERATURE},
              {"clock_jump", ODEV_FAULT_CLOCK_JUMP},
              {"stuck_heater", ODEV_FAULT_STUCK_HEATER},
              {"dead_pixel", ODEV_FAULT_DEAD_PIXEL},
              {"hot_pixel", ODEV_FAULT_HOT_PIXEL},
              {"stale_calibration", ODEV_FAULT_STALE_CALIBRATION}};
enum { FAULTS = sizeof faults / sizeof *faults };

static const char *const all_keys[] = {
    "dropped_frame", "timeout",   "short_read",  "laser_trip", "over_temperature", "clock_jump", "stuck_heater",
    "dead_pixel",    "hot_pixel", "stale_calibration", "wrong_serial", "seed",     "stuck_at",   "stuck_level",
    "dead_at",       "hot_at",    "temperature_k", "clock_jump_s", "power_fraction", NULL};

static odev_status take_number(const char *key, const char *text, double low, double high, double *value) {
  char *end = NULL;
  *value = strtod(text, &end);
  if (end == text || *end || !(*value >= low && *value <= high))
    return odev_fail(ODEV_ERR_ARGUMENT, "%s=%s must be a number from %g to %g", key, text, low, high);
  return ODEV_OK;
}

static odev_status take_seed(const char *text, uint64_t *seed) {
  char *end = NULL;
  errno = 0;
  *seed = strtoull(text, &end, 10);
  if (end == text || *end || errno || *text == '-')
    return odev_fail(ODEV_ERR_ARGUMENT, "seed=%s must be a whole number from 0 to 2^64 - 1", text);
  return ODEV_OK;
}

/* Places like 3.5 (row, column) or 0.1.3.5 (stage, heater, row, column), separated by commas. */
static odev_status take_places(const char *key, const char *text, const uint32_t *limits, int axes, odev_places *p) {
  const char *at = text;
  int good = 1;
  p->count = 0;
  while (good && p->count < ODEV_FAULT_PLACES) {
    uint32_t index = 0;
    for (int axis = 0; axis < axes && good; ++axis) {
      char *end = NULL;
      const unsigned long value = strtoul(at, &end, 10);
      good = *at >= '0' && *at <= '9' && value < limits[axis] && (axis == axes - 1 || *end == '.');
      index = index * limits[axis] + (uint32_t)value;
      at = axis == axes - 1 ? end : end + 1;
    }
    p->place[p->count++] = index;
    if (good && !*at) return ODEV_OK;
    good = good && *at++ == ',';
  }
  return odev_fail(ODEV_ERR_ARGUMENT, "%s=%s: up to %d places like %s on a grid of %u x %u, separated by commas", key, text,
                   (int)ODEV_FAULT_PLACES, axes == 4 ? "0.1.3.5 (stage.heater.row.column)" : "3.5 (row.column)",
                   limits[axes - 1], limits[axes - 1]);
}

static odev_status take_option(const char *key, const char *value, const odev_caps *caps, odev_fault_options *o) {
  const uint32_t heater[4] = {2, 2, caps->n, caps->n}, pixel[2] = {caps->n, caps->n};
  for (size_t i = 0; i < FAULTS; ++i)
    if (strcmp(key, faults[i].key) == 0) return odev_when_parse(key, value, &o->when[faults[i].fault]);
  if (strcmp(key, "seed") == 0) return take_seed(value, &o->seed);
  if (strcmp(key, "stuck_at") == 0) return take_places(key, value, heater, 4, &o->stuck);
  if (strcmp(key, "dead_at") == 0) return take_places(key, value, pixel, 2, &o->dead);
  if (strcmp(key, "hot_at") == 0) return take_places(key, value, pixel, 2, &o->hot);
  if (strcmp(key, "stuck_level") == 0) return take_number(key, value, 0, 1, &o->stuck_level);
  if (strcmp(key, "temperature_k") == 0) return take_number(key, value, 0, 1e4, &o->temperature_k);
  if (strcmp(key, "clock_jump_s") == 0) return take_number(key, value, -1e9, 1e9, &o->clock_jump_s);
  if (strcmp(key, "power_fraction") == 0) return take_number(key, value, 0, 1, &o->power_fraction);
  if (strcmp(key, "wrong_serial") == 0) {
    if (!*value || strlen(value) >= sizeof o->serial)
      return odev_fail(ODEV_ERR_ARGUMENT, "wrong_serial=%s must have 1 to %zu characters", value, sizeof o->serial - 1);
    snprintf(o->serial, sizeof o->serial, "%s", value);
    return ODEV_OK;
  }
  const char *meant = odev_nearest_word(key, all_keys);
  return odev_fail(ODEV_ERR_ARGUMENT, "fault: has no option '%s'%s%s%s; docs/backends.md lists them", key,
                   meant ? " (did you mean '" : "", meant ? meant : "", meant ? "'?)" : "");
}

/* One place by chance, the same for the same seed. */
static void draw_place(odev_places *p, uint64_t seed, odev_fault fault, uint32_t places) {
  if (p->count) return;
  p->place[0] = (uint32_t)(odev_chance(seed, ODEV_FAULT_COUNT + fault, 0) * places);
  p->count = 1;
}

odev_status odev_fault_options_parse(const odev_uri *uri, const odev_caps *caps, odev_fault_options *o) {
  *o = (odev_fault_options){.stuck_level = 0.5, .temperature_k = 350, .clock_jump_s = 3600, .power_fraction = 0.7};
  for (uint32_t i = 0; i < uri->count; ++i) {
    const odev_status status = take_option(uri->keys[i], uri->values[i], caps, o);
    if (status != ODEV_OK) return status;
  }
  const uint32_t pixels = caps->n * caps->n;
  draw_place(&o->stuck, o->seed, ODEV_FAULT_STUCK_HEATER, 4 * pixels);
  draw_place(&o->dead, o->seed, ODEV_FAULT_DEAD_PIXEL, pixels);
  draw_place(&o->hot, o->seed, ODEV_FAULT_HOT_PIXEL, pixels);
  return ODEV_OK;
}
