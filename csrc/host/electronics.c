/* electronics.c - checks and threads of a convolution's electronic parts, and the largest magnitude. */
#include "electronics.h"

#include "../core/device.h"

int odev_host_threads(int32_t wanted, uint64_t pieces) {
#if defined(_OPENMP)
  if (wanted < 1 || odev_fork_generation() != 0) return 1;
  return (uint64_t)wanted > pieces ? (pieces ? (int)pieces : 1) : (int)wanted;
#else
  (void)wanted, (void)pieces;
  return 1;
#endif
}

const odev_convolution_kernels *odev_host_kernels(void) {
  const odev_kernels *kernels = odev_kernels_pick();
  if (kernels) return &kernels->convolution;
  odev_fail(ODEV_ERR_CAPABILITY, "ODEV_KERNELS must be base, v3 or v4, and one that this processor runs");
  return NULL;
}

odev_status odev_check_tiles(const odev_tiles *t, uint32_t batch) {
  if (t->n < 1 || t->n > ODEV_MAX_N) return odev_fail(ODEV_ERR_ARGUMENT, "n must be 1 to %d", ODEV_MAX_N);
  if (!t->segment || !t->first_segment) return odev_fail(ODEV_ERR_ARGUMENT, "segment and first_segment must not be null");
  if (t->extent_rows < 1 || t->extent_rows > t->n || t->extent_columns < 1 || t->extent_columns > t->n)
    return odev_fail(ODEV_ERR_ARGUMENT, "the kernel's extent must be 1 to n = %u, not %u x %u", t->n, t->extent_rows,
                     t->extent_columns);
  if ((t->halo_rows && t->halo_rows != t->extent_rows - 1) || (t->halo_columns && t->halo_columns != t->extent_columns - 1))
    return odev_fail(ODEV_ERR_ARGUMENT, "a halo must be 0 or extent - 1, not %u of %u and %u of %u", t->halo_rows,
                     t->extent_rows, t->halo_columns, t->extent_columns);
  const uint32_t rows = t->n - t->halo_rows, columns = t->n - t->halo_columns;
  for (uint32_t tile = t->first_tile; tile < t->first_tile + t->tiles; ++tile)
    for (uint32_t i = t->first_segment[tile]; i < t->first_segment[tile + 1]; ++i) {
      const odev_segment *s = t->segment + i;
      if (s->tile != tile || s->image >= batch || s->height < 1 || s->width < 1 || s->height > rows ||
          s->width > columns || s->row > rows - s->height || s->column > columns - s->width)
        return odev_fail(ODEV_ERR_ARGUMENT, "segment %u does not lie in its tile, %u, or in one of %u pictures", i, tile,
                         batch);
    }
  return ODEV_OK;
}

odev_status odev_check_pictures(const odev_pictures *p) {
  if (!p->plane || p->planes < 1) return odev_fail(ODEV_ERR_ARGUMENT, "there must be planes");
  if (p->height < 1 || p->width < 1 || p->step_rows < 1 || p->step_columns < 1 || p->pad_top > INT32_MAX ||
      p->pad_left > INT32_MAX || p->padded_height > INT32_MAX || p->padded_width > INT32_MAX)
    return odev_fail(ODEV_ERR_ARGUMENT, "sizes and steps must be 1 to %d", INT32_MAX);
  if (p->padded_height < p->pad_top + p->height || p->padded_width < p->pad_left + p->width)
    return odev_fail(ODEV_ERR_SHAPE, "the padded picture must hold the picture");
  const uint32_t below = p->padded_height - p->pad_top - p->height, beside = p->padded_width - p->pad_left - p->width;
  const uint32_t most_rows = p->pad_top > below ? p->pad_top : below;
  const uint32_t most_columns = p->pad_left > beside ? p->pad_left : beside;
  if (p->padding_mode > ODEV_PADDING_CIRCULAR)
    return odev_fail(ODEV_ERR_ARGUMENT, "padding_mode must be an odev_padding, not %u", p->padding_mode);
  if ((p->padding_mode == ODEV_PADDING_REFLECT && (most_rows >= p->height || most_columns >= p->width)) ||
      (p->padding_mode == ODEV_PADDING_CIRCULAR && (most_rows > p->height || most_columns > p->width)))
    return odev_fail(ODEV_ERR_SHAPE, "this padding needs more picture than there is");
  for (uint32_t i = 0; i < p->planes; ++i)
    if (p->plane[i].channel >= p->channels || p->plane[i].row >= p->padded_height || p->plane[i].column >= p->padded_width)
      return odev_fail(ODEV_ERR_ARGUMENT, "plane %u does not lie in the padded picture", i);
  return ODEV_OK;
}

odev_status odev_largest_magnitude(const float *x, uint64_t count, int32_t wanted, float *largest) {
  enum { PIECE = 1 << 15 };
  if ((!x && count) || !largest) return odev_fail(ODEV_ERR_ARGUMENT, "x and largest must not be null");
  const odev_convolution_kernels *kernels = odev_host_kernels();
  if (!kernels) return ODEV_ERR_CAPABILITY;
  const uint64_t pieces = (count + PIECE - 1) / PIECE;
  const int threads = odev_host_threads(wanted, pieces);
  float most = 0;
  int bad = 0;
#pragma omp parallel for num_threads(threads) schedule(static) reduction(max : most) reduction(| : bad) if (threads > 1)
  for (uint64_t i = 0; i < pieces; ++i) {
    const uint64_t begin = i * PIECE, left = count - begin;
    const float own = kernels->largest(x + begin, (size_t)(left < PIECE ? left : PIECE));
    if (own > most) most = own;
    bad |= own != own;
  }
  if (bad) return odev_fail(ODEV_ERR_NONFINITE, "there is a NaN or an infinity; all values must be finite");
  *largest = most;
  return ODEV_OK;
}
