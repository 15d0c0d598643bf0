/* open.c - which scheme of a URI opens what. */
#include <string.h>

#include "../backends/schemes.h"
#include "error.h"

static const char *const schemes[] = {"emulator", "fault", "library", "null", NULL};
static odev_status (*const makers[])(const odev_uri *, odev_backend *, void **) = {
    odev_make_emulator_from_file, odev_make_fault, odev_make_library, odev_make_null};

const char *const *odev_enumerate(void) { return schemes; }

odev_status odev_make_backend(const char *text, odev_backend *backend, void **context) {
  if (!text || !backend || !context) return odev_fail(ODEV_ERR_ARGUMENT, "uri, backend and context must not be null");
  odev_uri *uri = NULL;
  odev_status status = odev_uri_parse(text, &uri);
  if (status != ODEV_OK) return status;
  size_t i = 0;
  while (schemes[i] && strcmp(schemes[i], uri->scheme) != 0) ++i;
  if (schemes[i]) {
    status = makers[i](uri, backend, context);
  } else {
    const char *meant = odev_nearest_word(uri->scheme, schemes);
    status = odev_fail(ODEV_ERR_NOT_FOUND,
                       "'%s' has no scheme of this library%s%s%s; it opens emulator:FILE, fault:, library: and null:",
                       text, meant ? " (did you mean " : "", meant ? meant : "", meant ? ":?)" : "");
  }
  odev_uri_free(uri);
  return status;
}

odev_status odev_open(const char *uri, odev_device **device) {
  if (!uri || !device) return odev_fail(ODEV_ERR_ARGUMENT, "uri and device must not be null");
  odev_backend backend;
  void *context = NULL;
  odev_status status = odev_make_backend(uri, &backend, &context);
  if (status != ODEV_OK) return status;
  status = odev_open_backend(&backend, context, device);
  if (status == ODEV_ERR_ARGUMENT) backend.close(context); /* it was not touched */
  return status;
}
