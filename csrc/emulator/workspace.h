/* workspace.h - the planes that one thread works on, cut from memory that the core lends. */
#ifndef ODEV_EMULATOR_WORKSPACE_H
#define ODEV_EMULATOR_WORKSPACE_H

#include "../kernels/planes.h"
#include "../kernels/power_rows.h"
#include "../kernels/slow_lens.h"
#include "model.h"

/* What the phases of one slot belong to: the last frame of the block before, if it is the one before this
 * block's first.  A copy of its codes tells. */
typedef struct {
  int is_known, slot;
  odev_moments moments;
} odev_last_frame;

/* One thread's working planes. */
typedef struct {
  odev_last_frame *last;
  void *last_codes;
  size_t code_bytes;
  odev_power_rows rows;
  float *phases[2][4], *re, *im, *transform;
  odev_slow_lens *lens; /* null unless the model's lens is a slow one */
  float *tables;
} odev_workspace;

/* Floats that a struct takes. */
static inline size_t odev_floats_of(size_t bytes) { return (bytes + sizeof(float) - 1) / sizeof(float); }
static inline size_t odev_code_bytes_of(const odev_emulator_model *m) {
  return 4 * (size_t)m->geometry.n * (size_t)m->geometry.n * (m->float_codes ? 4 : 2);
}

static inline size_t odev_workspace_transform(const odev_emulator_model *m) {
  const int n = m->geometry.n;
  return odev_round_up(m->slow_lens ? odev_slow_lens_scratch_size(n) : odev_fft_scratch_size(n));
}

static inline size_t odev_workspace_floats(const odev_emulator_model *m) {
  const odev_geometry g = m->geometry;
  const size_t lens =
      odev_round_up(odev_floats_of(sizeof(odev_slow_lens))) + odev_round_up(odev_slow_lens_tables_size(g.n));
  const size_t last =
      odev_round_up(odev_floats_of(sizeof(odev_last_frame))) + odev_round_up(odev_floats_of(odev_code_bytes_of(m)));
  return last + odev_round_up(odev_power_rows_size(g)) + (m->is_4f ? 8 : 6) * odev_round_up(odev_plain_size(g)) +
         2 * odev_round_up(odev_square_size(g)) + odev_workspace_transform(m) + (m->slow_lens ? lens : 0);
}

static inline odev_workspace odev_workspace_of(const odev_emulator_model *m, void *scratch) {
  const odev_geometry g = m->geometry;
  odev_arena arena = {.storage = scratch, .used = 0, .size = odev_workspace_floats(m)};
  odev_workspace w = {.code_bytes = odev_code_bytes_of(m)};
  w.last = (odev_last_frame *)(void *)odev_arena_take(&arena, odev_floats_of(sizeof(odev_last_frame)));
  w.last_codes = odev_arena_take(&arena, odev_floats_of(w.code_bytes));
  w.rows = odev_power_rows_of(g, odev_arena_take(&arena, odev_power_rows_size(g)));
  for (int frame = 0; frame < 2; ++frame)
    for (int i = 0; i < (m->is_4f ? 4 : 3); ++i) w.phases[frame][i] = odev_arena_take(&arena, odev_plain_size(g));
  w.re = odev_arena_take(&arena, odev_square_size(g));
  w.im = odev_arena_take(&arena, odev_square_size(g));
  w.transform = odev_arena_take(&arena, odev_workspace_transform(m));
  if (m->slow_lens) {
    w.lens = (odev_slow_lens *)(void *)odev_arena_take(&arena, odev_floats_of(sizeof(odev_slow_lens)));
    w.tables = odev_arena_take(&arena, odev_slow_lens_tables_size(g.n));
  }
  return w;
}

#endif
