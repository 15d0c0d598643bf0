/* open.c - which scheme of a URI opens what. */
#include <string.h>

#include "../emulator/null_backend.h"
#include "error.h"
#include "optical_driver.h"

const char *const *odev_enumerate(void) {
  static const char *const schemes[] = {"null", NULL};
  return schemes;
}

odev_status odev_open(const char *uri, odev_device **device) {
  if (!uri || !device) return odev_fail(ODEV_ERR_ARGUMENT, "uri and device must not be null");
  if (strncmp(uri, "null:", 5) == 0) return odev_open_null(uri + 5, device);
  return odev_fail(ODEV_ERR_NOT_FOUND,
                   "'%s' names no scheme of this library (null:N); an emulator is opened by odev_open_emulator", uri);
}
