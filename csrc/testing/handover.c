/* handover.c - a ball between two threads, over a mutex and a condition each way. */
#include "handover.h"

#include <pthread.h>
#include <time.h>

#include "../core/error.h"

typedef struct {
  pthread_mutex_t lock;
  pthread_cond_t turned[2];
  int turn; /* whose: 0 is the caller */
  uint32_t rounds;
} table;

/* With the lock held. */
static void await_turn(table *t, int side) {
  while (t->turn != side) pthread_cond_wait(&t->turned[side], &t->lock);
}

static void give_turn(table *t, int side) {
  t->turn = side;
  pthread_cond_signal(&t->turned[side]);
}

static void *return_them(void *argument) {
  table *t = argument;
  pthread_mutex_lock(&t->lock);
  for (uint32_t i = 0; i < t->rounds; ++i) {
    await_turn(t, 1);
    give_turn(t, 0);
  }
  pthread_mutex_unlock(&t->lock);
  return NULL;
}

static double now_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

odev_status odev_handover_time(uint32_t rounds, double *seconds) {
  if (!seconds) return odev_fail(ODEV_ERR_ARGUMENT, "seconds must not be null");
  table t = {.lock = PTHREAD_MUTEX_INITIALIZER,
             .turned = {PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER},
             .rounds = rounds};
  pthread_t other;
  if (pthread_create(&other, NULL, return_them, &t)) return odev_fail(ODEV_ERR_MEMORY, "no thread could be started");
  pthread_mutex_lock(&t.lock);
  for (uint32_t i = 0; i < rounds; ++i) {
    const double start = now_s();
    give_turn(&t, 1);
    await_turn(&t, 0);
    seconds[i] = now_s() - start;
  }
  pthread_mutex_unlock(&t.lock);
  pthread_join(other, NULL);
  return ODEV_OK;
}
