/* fuzz_afl.c - tells AFL++ where a fuzz target gets: GCC's calls at basic blocks become edges of its map.
 *
 * The main program is AFL++'s own (libAFLDriver.a).  So no compiler of its is needed, whose plugin must
 * be built for the very GCC that is there.
 */
#include <stdint.h>

void __afl_trace(uint32_t block); /* afl-compiler-rt.o: an edge is a block after another */

/* Called at every basic block of what is under test. */
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void) {
  /* Counted from here, blocks have the same numbers wherever the program is loaded. */
  const uint64_t here = (uint64_t)(uintptr_t)__builtin_return_address(0) - (uint64_t)(uintptr_t)__sanitizer_cov_trace_pc;
  __afl_trace((uint32_t)(here * 0x9e3779b97f4a7c15u >> 48));
}
