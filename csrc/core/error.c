/* error.c - statuses, their names, and the thread's last message. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char last_message[512];

odev_status odev_fail(odev_status status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(last_message, sizeof last_message, format, arguments);
  va_end(arguments);
  return status;
}

const char *odev_last_message(void) { return last_message; }

const char *odev_status_name(odev_status status) {
  static const char *const names[] = {
      "ODEV_OK",           "ODEV_ERR_ARGUMENT",   "ODEV_ERR_SHAPE",       "ODEV_ERR_DTYPE",
      "ODEV_ERR_NONFINITE", "ODEV_ERR_CLOSED",     "ODEV_ERR_FORKED",      "ODEV_ERR_CAPABILITY",
      "ODEV_ERR_TIMEOUT",  "ODEV_ERR_MEMORY",     "ODEV_ERR_BACKEND",     "ODEV_ERR_CALIBRATION",
      "ODEV_ERR_OVER_TEMPERATURE", "ODEV_ERR_NOT_FOUND", "ODEV_ERR_CANCELLED", "ODEV_ERR_READ_ONLY"};
  return (unsigned)status < sizeof names / sizeof *names ? names[status] : "unknown status";
}
