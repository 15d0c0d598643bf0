/* counted_alloc.h - counts what the library allocates, and lets one of its allocations fail.
 *
 * Programs that include this are linked with --wrap for each function below (CMakeLists.txt), so that
 * the calls of the library and of the program come here; those inside libc and OpenMP do not.
 */
#ifndef ODEV_TESTS_COUNTED_ALLOC_H
#define ODEV_TESTS_COUNTED_ALLOC_H

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_long alloc_live;    /* allocated and not yet freed */
static atomic_long alloc_asked;   /* allocations asked for since alloc_fail_at */
static atomic_long alloc_failing; /* which of them fails; 0: none */

/* The n-th allocation from now on fails; 0: none does. */
static inline void alloc_fail_at(long n) {
  atomic_store(&alloc_asked, 0);
  atomic_store(&alloc_failing, n);
}

static inline int alloc_fails(void) { return atomic_fetch_add(&alloc_asked, 1) + 1 == atomic_load(&alloc_failing); }

static inline void *alloc_counted(void *memory) {
  if (memory) atomic_fetch_add(&alloc_live, 1);
  return memory;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *memory);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument);
int __real_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int __real_pthread_mutex_destroy(pthread_mutex_t *mutex);
int __real_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes);
int __real_pthread_cond_destroy(pthread_cond_t *condition);
int __real_pthread_condattr_init(pthread_condattr_t *attributes);
int __real_pthread_condattr_destroy(pthread_condattr_t *attributes);

void *__wrap_malloc(size_t size) { return alloc_fails() ? NULL : alloc_counted(__real_malloc(size)); }
void *__wrap_calloc(size_t count, size_t size) {
  return alloc_fails() ? NULL : alloc_counted(__real_calloc(count, size));
}
void *__wrap_aligned_alloc(size_t alignment, size_t size) {
  return alloc_fails() ? NULL : alloc_counted(__real_aligned_alloc(alignment, size));
}
void *__wrap_realloc(void *memory, size_t size) {
  if (alloc_fails()) return NULL;
  void *moved = __real_realloc(memory, size);
  if (moved && !memory) atomic_fetch_add(&alloc_live, 1);
  return moved;
}
void __wrap_free(void *memory) {
  if (memory) atomic_fetch_sub(&alloc_live, 1);
  __real_free(memory);
}

/* These may fail for want of memory too. */
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                          void *argument) {
  return alloc_fails() ? EAGAIN : __real_pthread_create(thread, attributes, start, argument);
}

static inline int alloc_made(int status) {
  if (!status) atomic_fetch_add(&alloc_live, 1);
  return status;
}
static inline int alloc_unmade(int status) {
  if (!status) atomic_fetch_sub(&alloc_live, 1);
  return status;
}
int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes) {
  return alloc_fails() ? ENOMEM : alloc_made(__real_pthread_mutex_init(mutex, attributes));
}
int __wrap_pthread_mutex_destroy(pthread_mutex_t *mutex) { return alloc_unmade(__real_pthread_mutex_destroy(mutex)); }
int __wrap_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes) {
  return alloc_fails() ? ENOMEM : alloc_made(__real_pthread_cond_init(condition, attributes));
}
int __wrap_pthread_cond_destroy(pthread_cond_t *condition) {
  return alloc_unmade(__real_pthread_cond_destroy(condition));
}
int __wrap_pthread_condattr_init(pthread_condattr_t *attributes) {
  return alloc_fails() ? ENOMEM : alloc_made(__real_pthread_condattr_init(attributes));
}
int __wrap_pthread_condattr_destroy(pthread_condattr_t *attributes) {
  return alloc_unmade(__real_pthread_condattr_destroy(attributes));
}

#endif
