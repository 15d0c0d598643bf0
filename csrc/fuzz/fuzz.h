/* fuzz.h - what a fuzz target is, and how it reads its input.
 *
 * A target is one file with LLVMFuzzerTestOneInput, libFuzzer's entry point; AFL++ drives it (fuzz_afl.c), or
 * fuzz_main.c.
 */
#ifndef ODEV_FUZZ_H
#define ODEV_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input, taken off its front; zeros behind its end. */
typedef struct {
  const uint8_t *data;
  size_t left;
} fuzz_input;

static inline void fuzz_take(fuzz_input *in, void *to, size_t bytes) {
  const size_t some = bytes < in->left ? bytes : in->left;
  memset(to, 0, bytes);
  if (some) memcpy(to, in->data, some);
  in->data += some;
  in->left -= some;
}

static inline uint32_t fuzz_u32(fuzz_input *in) {
  uint32_t value;
  fuzz_take(in, &value, sizeof value);
  return value;
}

static inline uint8_t fuzz_u8(fuzz_input *in) {
  uint8_t value;
  fuzz_take(in, &value, sizeof value);
  return value;
}

static inline double fuzz_double(fuzz_input *in) {
  double value;
  fuzz_take(in, &value, sizeof value);
  return value;
}

/* Whatever holds at all times. */
#define FUZZ_CHECK(condition) \
  do {                        \
    if (!(condition)) abort(); \
  } while (0)

#endif
