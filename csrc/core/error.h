/* error.h - the thread's last message. */
#ifndef ODEV_ERROR_H
#define ODEV_ERROR_H

#include "optical_driver.h"

/* Keeps the message for odev_last_message and returns the status. */
odev_status odev_fail(odev_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
