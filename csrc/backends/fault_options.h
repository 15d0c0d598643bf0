/* fault_options.h - what a fault: URI asks for. */
#ifndef ODEV_FAULT_OPTIONS_H
#define ODEV_FAULT_OPTIONS_H

#include "fault_when.h"

enum { ODEV_FAULT_PLACES = 64 };

typedef struct {
  uint32_t place[ODEV_FAULT_PLACES]; /* index into a frame's codes or counts */
  uint32_t count;
} odev_places;

typedef struct {
  odev_when when[ODEV_FAULT_COUNT]; /* by odev_fault */
  uint64_t seed;
  odev_places stuck, dead, hot;
  double stuck_level;    /* of full code */
  double temperature_k;  /* while it is over */
  double clock_jump_s;
  double power_fraction; /* of the light that a stale calibration has left */
  char serial[ODEV_NAME_SIZE]; /* empty: the true one */
} odev_fault_options;

odev_status odev_fault_options_parse(const odev_uri *uri, const odev_caps *caps, odev_fault_options *options);

#endif
