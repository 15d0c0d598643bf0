/* error.c - statuses, their names, and the thread's last message. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char last_message[512];
static _Thread_local odev_origin last_origin;

odev_status odev_fail(odev_status status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(last_message, sizeof last_message, format, arguments);
  va_end(arguments);
  last_origin = (odev_origin){0};
  return status;
}

odev_status odev_fail_from(odev_origin origin, odev_status status, const char *message) {
  odev_fail(status, "%s", message);
  last_origin = origin;
  return status;
}

odev_origin odev_last_origin(void) { return last_origin; }
int32_t odev_last_native_code(void) { return last_origin.native_code; }
uint64_t odev_last_cause(void) { return last_origin.cause; }

const char *odev_last_message(void) { return last_message; }

const char *odev_status_name(odev_status status) {
  static const char *const names[] = {
      "ODEV_OK",           "ODEV_ERR_ARGUMENT",   "ODEV_ERR_SHAPE",       "ODEV_ERR_DTYPE",
      "ODEV_ERR_NONFINITE", "ODEV_ERR_CLOSED",     "ODEV_ERR_FORKED",      "ODEV_ERR_CAPABILITY",
      "ODEV_ERR_TIMEOUT",  "ODEV_ERR_MEMORY",     "ODEV_ERR_BACKEND",     "ODEV_ERR_CALIBRATION",
      "ODEV_ERR_OVER_TEMPERATURE", "ODEV_ERR_NOT_FOUND", "ODEV_ERR_CANCELLED", "ODEV_ERR_READ_ONLY",
      "ODEV_ERR_FRAME_LOST", "ODEV_ERR_SHORT_READ", "ODEV_ERR_NO_ANSWER",   "ODEV_ERR_INTERLOCK",
      "ODEV_ERR_RECORDING"};
  return (unsigned)status < sizeof names / sizeof *names ? names[status] : "unknown status";
}
