/* check.h - assertions of the C tests: say what failed and where, and end the program. */
#ifndef ODEV_TESTS_CHECK_H
#define ODEV_TESTS_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#include "optical_driver.h"

#define CHECK(condition)                                                          \
  do {                                                                            \
    if (!(condition)) {                                                           \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);     \
      exit(1);                                                                    \
    }                                                                             \
  } while (0)

#define CHECK_STATUS(call, wanted)                                                                \
  do {                                                                                            \
    const odev_status got_ = (call);                                                              \
    if (got_ != (wanted)) {                                                                       \
      fprintf(stderr, "%s:%d: %s: %s (%s), not %s\n", __FILE__, __LINE__, #call,                  \
              odev_status_name(got_), odev_last_message(), odev_status_name(wanted));             \
      exit(1);                                                                                    \
    }                                                                                             \
  } while (0)

#define CHECK_OK(call) CHECK_STATUS(call, ODEV_OK)

#endif
