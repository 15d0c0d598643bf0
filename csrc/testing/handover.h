/* handover.h - what two threads pay to wake each other up: the floor of whatever goes through another thread. */
#ifndef ODEV_TESTING_HANDOVER_H
#define ODEV_TESTING_HANDOVER_H

#include "optical_driver.h"

/* Seconds that each round takes, of `rounds`: this thread wakes another up, which sleeps on a condition, and
 * sleeps on one until that one has woken it.  Nothing is done in between. */
odev_status odev_handover_time(uint32_t rounds, double *seconds);

#endif
