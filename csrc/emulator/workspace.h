/* workspace.h - the planes that one thread works on, cut from memory that the core lends. */
#ifndef ODEV_EMULATOR_WORKSPACE_H
#define ODEV_EMULATOR_WORKSPACE_H

#include "../kernels/planes.h"
#include "../kernels/power_rows.h"
#include "../kernels/slow_lens.h"
#include "model.h"

/* One thread's working planes. */
typedef struct {
  odev_power_rows rows;
  float *phases[2][4], *re, *im, *transform;
  odev_slow_lens *lens; /* null unless the model's lens is a slow one */
  float *tables;
} odev_workspace;

static inline size_t odev_workspace_transform(const odev_emulator_model *m) {
  const int n = m->geometry.n;
  return odev_round_up(m->slow_lens ? odev_slow_lens_scratch_size(n) : odev_fft_scratch_size(n));
}

static inline size_t odev_workspace_floats(const odev_emulator_model *m) {
  const odev_geometry g = m->geometry;
  const size_t lens = odev_round_up((sizeof(odev_slow_lens) + sizeof(float) - 1) / sizeof(float)) +
                      odev_round_up(odev_slow_lens_tables_size(g.n));
  return odev_round_up(odev_power_rows_size(g)) + (m->is_4f ? 8 : 6) * odev_round_up(odev_plain_size(g)) +
         2 * odev_round_up(odev_square_size(g)) + odev_workspace_transform(m) + (m->slow_lens ? lens : 0);
}

static inline odev_workspace odev_workspace_of(const odev_emulator_model *m, void *scratch) {
  const odev_geometry g = m->geometry;
  odev_arena arena = {.storage = scratch, .used = 0, .size = odev_workspace_floats(m)};
  odev_workspace w = {.rows = odev_power_rows_of(g, odev_arena_take(&arena, odev_power_rows_size(g)))};
  for (int frame = 0; frame < 2; ++frame)
    for (int i = 0; i < (m->is_4f ? 4 : 3); ++i) w.phases[frame][i] = odev_arena_take(&arena, odev_plain_size(g));
  w.re = odev_arena_take(&arena, odev_square_size(g));
  w.im = odev_arena_take(&arena, odev_square_size(g));
  w.transform = odev_arena_take(&arena, odev_workspace_transform(m));
  if (m->slow_lens) {
    w.lens = (odev_slow_lens *)(void *)odev_arena_take(&arena, (sizeof(odev_slow_lens) + sizeof(float) - 1) / sizeof(float));
    w.tables = odev_arena_take(&arena, odev_slow_lens_tables_size(g.n));
  }
  return w;
}

#endif
