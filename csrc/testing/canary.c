/* canary.c - one fault for each sanitizer. */
#include "canary.h"

#include "../core/error.h"

#if defined(ODEV_SANITIZED)
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static volatile int sink;

static void read_behind(void) {
  char *volatile memory = malloc(8); /* volatile: the compiler knows no size */
  if (!memory) return;
  sink = memory[8];
  free(memory);
}

static void overflow(void) {
  volatile int most = INT_MAX;
  sink = most + 1;
}

static int raced;

static void *race(void *unused) {
  for (int i = 0; i < 1000; ++i) ++raced;
  return unused;
}

static void race_in_pairs(void) {
  pthread_t other;
  if (pthread_create(&other, NULL, race, NULL)) return;
  race(NULL);
  pthread_join(other, NULL);
  sink = raced;
}

static void leak(void) {
  char *volatile memory = malloc(8);
  if (memory) memory[0] = 1;
  memory = NULL;
}

odev_status odev_canary(const char *fault) {
  static const struct {
    const char *name;
    void (*commit)(void);
  } faults[] = {{"address", read_behind}, {"undefined", overflow}, {"thread", race_in_pairs}, {"leak", leak}};
  for (size_t i = 0; i < sizeof faults / sizeof *faults; ++i)
    if (strcmp(faults[i].name, fault) == 0) {
      faults[i].commit();
      return ODEV_OK;
    }
  return odev_fail(ODEV_ERR_ARGUMENT, "no fault is called '%s'", fault);
}
#else
odev_status odev_canary(const char *fault) {
  return odev_fail(ODEV_ERR_CAPABILITY, "this build has no sanitizer to find '%s'", fault);
}
#endif
