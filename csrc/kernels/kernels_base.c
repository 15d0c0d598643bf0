/* kernels_base.c - the kernels at 4 floats a vector. */
#define ODEV_W 4
#define ODEV_KERNEL_TABLE odev_kernels_base
#define ODEV_KERNEL_NAME "base"
#include "kernels_impl.h"
