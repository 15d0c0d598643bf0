/* dispatch.c - which compiled kernels this processor runs. */
#include "kernels.h"

#include <stdlib.h>
#include <string.h>

const odev_kernels *odev_kernels_by_name(const char *name) {
  if (strcmp(name, "base") == 0) return &odev_kernels_base;
#if defined(__x86_64__) && !defined(ODEV_BASELINE_ONLY)
  if (strcmp(name, "v3") == 0 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return &odev_kernels_v3;
  if (strcmp(name, "v4") == 0 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    return &odev_kernels_v4;
#endif
  return NULL;
}

const odev_kernels *odev_kernels_pick(void) {
  static const char *const widest_first[] = {"v4", "v3", "base"};
  const char *wanted = getenv("ODEV_KERNELS");
  if (wanted && *wanted) return odev_kernels_by_name(wanted);
  const odev_kernels *found = NULL;
  for (int i = 0; !found && i < 3; ++i) found = odev_kernels_by_name(widest_first[i]);
  return found;
}
