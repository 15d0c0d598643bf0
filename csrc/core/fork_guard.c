/* fork_guard.c - notices forks.
 *
 * OpenMP's threads do not survive a fork, and a pool used before one hangs the child at its next
 * parallel region.  A child therefore runs single-threaded, and devices of the parent refuse to work.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "device.h"

static atomic_uint generation;

static void in_child(void) { atomic_fetch_add(&generation, 1); }

/* When the library is loaded, not when the first device is opened: the process may share its OpenMP
 * runtime with torch, which can have started the pool and been forked before that. */
__attribute__((constructor)) static void install(void) { pthread_atfork(NULL, NULL, in_child); }

unsigned odev_fork_generation(void) { return atomic_load(&generation); }

int odev_threads_for(const odev_device *device, int32_t wanted, uint64_t pieces) {
#if defined(_OPENMP)
  if (wanted < 1 || !device->caps.concurrent || odev_fork_generation() != 0) return 1;
  return (uint64_t)wanted > pieces ? (pieces ? (int)pieces : 1) : (int)wanted;
#else
  (void)device, (void)wanted, (void)pieces;
  return 1;
#endif
}
