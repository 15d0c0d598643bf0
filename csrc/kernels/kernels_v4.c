/* kernels_v4.c - the kernels at 16 floats a vector. */
#define ODEV_W 16
#define ODEV_KERNEL_TABLE odev_kernels_v4
#define ODEV_KERNEL_NAME "v4"
#include "kernels_impl.h"
