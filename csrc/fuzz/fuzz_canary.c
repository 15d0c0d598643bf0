/* fuzz_canary.c - dies on inputs that begin with FUZZ, which chance alone does not find. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size > 0 && data[0] == 'F')
    if (size > 1 && data[1] == 'U')
      if (size > 2 && data[2] == 'Z')
        if (size > 3 && data[3] == 'Z') abort();
  return 0;
}
