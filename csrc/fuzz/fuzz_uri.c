/* fuzz_uri.c - odev_open with any text. */
#include "fuzz.h"
#include "optical_driver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *uri = malloc(size + 1);
  if (!uri) return 0;
  if (size) memcpy(uri, data, size);
  uri[size] = '\0';
  odev_device *device = NULL;
  const odev_status status = odev_open(uri, &device);
  FUZZ_CHECK((status == ODEV_OK) == (device != NULL));
  if (device) {
    odev_caps caps = {.struct_size = sizeof caps};
    FUZZ_CHECK(odev_get_caps(device, &caps) == ODEV_OK);
    FUZZ_CHECK(caps.n >= 1 && caps.n <= 512);
    FUZZ_CHECK(odev_close(device) == ODEV_OK);
  } else {
    FUZZ_CHECK(odev_last_message()[0] != '\0');
  }
  free(uri);
  return 0;
}
