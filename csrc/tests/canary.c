/* canary.c - commits the fault that its argument names: the sanitizer has to end or mark the program. */
#include <stdio.h>

#include "testing/canary.h"

int main(int argc, char **argv) {
  const odev_status status = odev_canary(argc > 1 ? argv[1] : "");
  if (status != ODEV_OK) fprintf(stderr, "%s\n", odev_last_message());
  return status != ODEV_OK;
}
