/* lanes.c - the threads' buffers. */
#include "lanes.h"

#include <stdlib.h>
#include <string.h>

static int grow(void **buffer, size_t *capacity, size_t bytes) {
  if (bytes <= *capacity) return 0;
  void *larger = malloc(bytes); /* the content needs no keeping */
  if (!larger) return -1;
  free(*buffer);
  *buffer = larger;
  *capacity = bytes;
  return 0;
}

static void *zeroed(size_t bytes) {
  const size_t rounded = (bytes + 63) / 64 * 64;
  void *memory = aligned_alloc(64, rounded ? rounded : 64);
  if (memory) memset(memory, 0, rounded);
  return memory;
}

int odev_lanes_reserve(odev_lanes *lanes, int count, size_t codes_bytes, size_t counts_bytes, size_t encode_bytes,
                       size_t backend_bytes) {
  if (count > lanes->count) {
    odev_lane *more = realloc(lanes->lane, (size_t)count * sizeof *more);
    if (!more) return -1;
    memset(more + lanes->count, 0, (size_t)(count - lanes->count) * sizeof *more);
    lanes->lane = more;
    lanes->count = count;
  }
  for (int i = 0; i < count; ++i) {
    odev_lane *lane = lanes->lane + i;
    if (!lane->encode) lane->encode = zeroed(encode_bytes);
    if (!lane->backend) lane->backend = zeroed(backend_bytes);
    if (!lane->encode || !lane->backend || grow(&lane->codes, &lane->codes_bytes, codes_bytes) ||
        grow(&lane->counts, &lane->counts_bytes, counts_bytes))
      return -1;
  }
  return 0;
}

void odev_lanes_free(odev_lanes *lanes) {
  for (int i = 0; i < lanes->count; ++i) {
    free(lanes->lane[i].codes);
    free(lanes->lane[i].counts);
    free(lanes->lane[i].encode);
    free(lanes->lane[i].backend);
  }
  free(lanes->lane);
  *lanes = (odev_lanes){0};
}
