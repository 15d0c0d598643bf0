/* fault_when.c - the little language of when a fault is there. */
#include "fault_when.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../core/error.h"

/* A frame number; `text` is moved behind it. */
static int take_frame(const char **text, uint64_t *frame) {
  char *end = NULL;
  errno = 0;
  if (**text < '0' || **text > '9') return 0;
  *frame = strtoull(*text, &end, 10);
  *text = end;
  return errno == 0;
}

static int take_span(const char **text, uint64_t *first, uint64_t *last) {
  if (!take_frame(text, first)) return 0;
  *last = *first;
  if (**text != '-') return 1;
  ++*text;
  *last = UINT64_MAX;
  if (**text == ',' || **text == '\0') return 1;
  return take_frame(text, last) && *last >= *first;
}

static int take_term(const char **text, odev_when *when) {
  uint64_t first = 0, last = UINT64_MAX;
  double probability = 1;
  int good = 1;
  if (**text == 'p') {
    char *end = NULL;
    probability = strtod(*text + 1, &end);
    good = end != *text + 1 && probability >= 0 && probability <= 1;
    *text = end;
    if (good && **text == '@') {
      ++*text;
      good = take_span(text, &first, &last);
    }
  } else {
    good = take_span(text, &first, &last);
  }
  when->term[when->count].first = first;
  when->term[when->count].last = last;
  when->term[when->count++].probability = probability;
  return good && (**text == ',' || **text == '\0');
}

odev_status odev_when_parse(const char *key, const char *text, odev_when *when) {
  const char *at = text;
  when->count = 0;
  for (;;) {
    if (when->count == ODEV_WHEN_TERMS)
      return odev_fail(ODEV_ERR_ARGUMENT, "%s=%s has more than %d terms", key, text, (int)ODEV_WHEN_TERMS);
    if (!take_term(&at, when))
      return odev_fail(ODEV_ERR_ARGUMENT,
                       "%s=%s: a fault comes at a frame (17), over a span (20-29, 20-) or by chance (p0.1, p0.1@20-29), "
                       "separated by commas",
                       key, text);
    if (!*at) return ODEV_OK;
    ++at;
  }
}

/* The finalizer of splitmix64: every bit of the input moves every bit of the output. */
static uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

double odev_chance(uint64_t seed, uint32_t salt, uint64_t counter) {
  return (double)(mix(mix(mix(seed) + salt) + counter) >> 11) * 0x1p-53;
}

int odev_when_holds(const odev_when *when, uint64_t seed, uint32_t salt, uint64_t frame) {
  for (uint32_t i = 0; i < when->count; ++i) {
    const double p = when->term[i].probability;
    if (frame < when->term[i].first || frame > when->term[i].last) continue;
    if (p >= 1 || odev_chance(seed, salt, frame) < p) return 1;
  }
  return 0;
}
