/* workspace.h - the planes that one thread works on, cut from memory that the core lends. */
#ifndef ODEV_EMULATOR_WORKSPACE_H
#define ODEV_EMULATOR_WORKSPACE_H

#include "../kernels/planes.h"

/* One thread's working planes. */
typedef struct {
  float *power[4], *phases[2][3], *re, *im, *fft;
} odev_workspace;

static inline size_t odev_workspace_floats(odev_geometry g) {
  return 4 * odev_round_up(odev_halo_size(g)) + 6 * odev_round_up(odev_plain_size(g)) +
         2 * odev_round_up(odev_square_size(g)) + odev_round_up(odev_fft_scratch_size(g.n));
}

static inline odev_workspace odev_workspace_of(odev_geometry g, void *scratch) {
  odev_arena arena = {.storage = scratch, .used = 0, .size = odev_workspace_floats(g)};
  odev_workspace w;
  for (int h = 0; h < 4; ++h) w.power[h] = odev_arena_take(&arena, odev_halo_size(g)) + odev_halo_origin(g);
  for (int i = 0; i < 6; ++i) w.phases[i / 3][i % 3] = odev_arena_take(&arena, odev_plain_size(g));
  w.re = odev_arena_take(&arena, odev_square_size(g));
  w.im = odev_arena_take(&arena, odev_square_size(g));
  w.fft = odev_arena_take(&arena, odev_fft_scratch_size(g.n));
  return w;
}

#endif
