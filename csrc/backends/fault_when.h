/* fault_when.h - when a fault is there: at frames, over spans of frames, with a probability. */
#ifndef ODEV_FAULT_WHEN_H
#define ODEV_FAULT_WHEN_H

#include "optical_backend.h"

enum { ODEV_WHEN_TERMS = 16 };

/* Terms separated by commas, any of which may hold:  17 (that frame), 20-29 (both included), 20- (from there
 * on), p0.1 (each frame with that probability), p0.1@20-29. */
typedef struct {
  struct {
    uint64_t first, last;
    double probability;
  } term[ODEV_WHEN_TERMS];
  uint32_t count;
} odev_when;

odev_status odev_when_parse(const char *key, const char *text, odev_when *when);
/* Whether it holds at a frame.  Chance is a pure function of seed, salt and frame: no order, no state. */
int odev_when_holds(const odev_when *when, uint64_t seed, uint32_t salt, uint64_t frame);

/* Uniform in [0, 1), of seed, salt and counter. */
double odev_chance(uint64_t seed, uint32_t salt, uint64_t counter);

#endif
