/* error.h - the thread's last message. */
#ifndef ODEV_ERROR_H
#define ODEV_ERROR_H

#include "optical_driver.h"

/* Keeps the message for odev_last_message and returns the status. */
odev_status odev_fail(odev_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What the backend says of a failure beside its message; odev_fail forgets it. */
typedef struct {
  int32_t native_code;
  uint64_t cause;
} odev_origin;
odev_status odev_fail_from(odev_origin origin, odev_status status, const char *message);
odev_origin odev_last_origin(void);

#endif
