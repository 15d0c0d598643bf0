/* null_backend.h - a device that does nothing, for timing the driver and trying the interface. */
#ifndef ODEV_NULL_BACKEND_H
#define ODEV_NULL_BACKEND_H
#include "optical_driver.h"
odev_status odev_open_null(const char *rest, odev_device **device);
#endif
