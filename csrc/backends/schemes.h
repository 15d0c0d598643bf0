/* schemes.h - the backends that a URI can name, each made from the URI taken apart. */
#ifndef ODEV_SCHEMES_H
#define ODEV_SCHEMES_H

#include "optical_backend.h"

odev_status odev_make_null(const odev_uri *uri, odev_backend *backend, void **context);
odev_status odev_make_library(const odev_uri *uri, odev_backend *backend, void **context);
odev_status odev_make_emulator_from_file(const odev_uri *uri, odev_backend *backend, void **context);
odev_status odev_make_fault(const odev_uri *uri, odev_backend *backend, void **context);

#endif
