/* canary.h - faults on purpose, for the tests that ask whether a sanitizer is really there. */
#ifndef ODEV_TESTING_CANARY_H
#define ODEV_TESTING_CANARY_H

#include "optical_driver.h"

/* Commits the fault named: "address" (reads behind an allocation), "undefined" (a signed overflow),
 * "thread" (a data race), "leak".  A build without sanitizers commits none: ODEV_ERR_CAPABILITY. */
odev_status odev_canary(const char *fault);

#endif
