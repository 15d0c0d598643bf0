/* padding.h - where a pixel of a padded picture comes from. */
#ifndef ODEV_PADDING_H
#define ODEV_PADDING_H

#include <stdint.h>
#include <string.h>

#include "optical_convolution.h"

/* One axis of a padded, sampled picture: its pixel i is pixel first + step * i of the padded one. */
typedef struct {
  int64_t first, step, pad, size, padded;
  uint32_t mode;
} odev_axis;

/* The picture's pixel; -1 for a zero. */
static inline int64_t odev_source(const odev_axis *a, int64_t i) {
  int64_t at = a->first + a->step * i;
  if (at >= a->padded) at = a->padded - 1;
  at -= a->pad;
  if (at >= 0 && at < a->size) return at;
  switch (a->mode) {
    case ODEV_PADDING_REFLECT: return at < 0 ? -at : 2 * (a->size - 1) - at;
    case ODEV_PADDING_REPLICATE: return at < 0 ? 0 : a->size - 1;
    case ODEV_PADDING_CIRCULAR: return at < 0 ? at + a->size : at - a->size;
    default: return -1;
  }
}

/* Those pixels of [0, count) that lie in the picture itself: [*begin, *end). */
static inline void odev_inside(const odev_axis *a, int64_t offset, int64_t count, int64_t *begin, int64_t *end) {
  const int64_t base = a->first + a->step * offset - a->pad; /* pixel of the picture at 0 */
  *begin = base >= 0 ? 0 : (-base + a->step - 1) / a->step;
  *end = base >= a->size ? 0 : (a->size - 1 - base) / a->step + 1;
  if (*begin > count) *begin = count;
  if (*end > count) *end = count;
  if (*end < *begin) *end = *begin;
}

static inline odev_axis odev_rows_of(const odev_pictures *p, uint32_t plane) {
  return (odev_axis){p->plane[plane].row, p->step_rows, p->pad_top, p->height, p->padded_height, p->padding_mode};
}
static inline odev_axis odev_columns_of(const odev_pictures *p, uint32_t plane) {
  return (odev_axis){p->plane[plane].column, p->step_columns, p->pad_left, p->width, p->padded_width, p->padding_mode};
}

/* Pixels [left, left + width) of a row of the padded picture, from the picture's row. */
static inline void odev_gather_row(const odev_axis *columns, const float *row, int64_t left, int64_t width, float *to) {
  int64_t begin, end;
  odev_inside(columns, left, width, &begin, &end);
  const float *from = row + columns->first + columns->step * left - columns->pad;
  if (columns->step == 1)
    memcpy(to + begin, from + begin, (size_t)(end - begin) * sizeof *to);
  else
    for (int64_t c = begin; c < end; ++c) to[c] = from[c * columns->step];
  for (int64_t c = 0; c < width; ++c) {
    if (c == begin) c = end; /* what lies in the picture is there already */
    if (c >= width) break;
    const int64_t source = odev_source(columns, left + c);
    to[c] = source < 0 ? 0.0f : row[source];
  }
}

#endif
