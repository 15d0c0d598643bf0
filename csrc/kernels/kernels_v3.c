/* kernels_v3.c - the kernels at 8 floats a vector. */
#define ODEV_W 8
#define ODEV_KERNEL_TABLE odev_kernels_v3
#define ODEV_KERNEL_NAME "v3"
#include "kernels_impl.h"
