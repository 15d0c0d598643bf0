/* precompensate_impl.h - the power of every heater, given the heat that each must feel: neighbours near and far,
 * the other heater of the pixel, and the substrate, which the whole chip's power warms.
 */
#ifndef ODEV_PRECOMPENSATE_IMPL_H
#define ODEV_PRECOMPENSATE_IMPL_H

#include "../host/codec.h"
#include "boundary_impl.h"
#include "crosstalk_impl.h"
#include "planes.h"

typedef struct {
  float *x_re, *x_im;      /* the target itself, plain planes */
  float *t_re, *t_im;      /* the target of m_a m_b, before scaling */
  float *o_re, *o_im;      /* operand, when stage b has a target of its own */
  float *heat[4];          /* what each heater must feel, mW: plain */
  float *power[4];         /* first guesses, and what codes realise: halo planes, whose borders stay zero */
  float *recent[4];        /* the last rows of better ones, and after them a row of zeros */
  float *final_b;          /* one row of theta b's, as solved */
} encode_scratch;

enum { RECENT_ROWS = ODEV_RECENT_ROWS };

INLINE encode_scratch encode_scratch_of(odev_geometry g, float *memory) {
  odev_arena arena = {.storage = memory};
  encode_scratch s;
  float **plain[6] = {&s.x_re, &s.x_im, &s.t_re, &s.t_im, &s.o_re, &s.o_im};
  for (int i = 0; i < 6; ++i) *plain[i] = odev_arena_take(&arena, odev_plain_size(g));
  for (int h = 0; h < 4; ++h) s.heat[h] = odev_arena_take(&arena, odev_plain_size(g));
  for (int h = 0; h < 4; ++h) s.power[h] = odev_arena_take(&arena, odev_halo_size(g)) + odev_halo_origin(g);
  for (int h = 0; h < 4; ++h) s.recent[h] = odev_arena_take(&arena, odev_recent_size(g)) + ODEV_LANES;
  s.final_b = odev_arena_take(&arena, (size_t)g.ld);
  return s;
}

/* What a heater feels besides its own power, along one row. */
typedef struct {
  stencil_row near;
  const float *partner, *other;
} foreign_row;

/* Rows of a halo plane whose border stands for all rows outside the chip. */
INLINE power_rows ring_rows(const float *plane, int r, odev_geometry g) {
  power_rows rows = halo_rows(plane, r, g.pitch);
  rows.up2 = r > 0 ? rows.up - g.pitch : rows.up;
  rows.down2 = r < g.n - 1 ? rows.down + g.pitch : rows.down;
  return rows;
}

/* `other`: the row of the pixel's other heater. */
INLINE foreign_row foreign_begin(const odev_codec *k, odev_geometry g, power_rows rows, const float *other, int h, int r,
                                 int has_ring) {
  /* The planes of a heater's links lie one behind the other (codec.c): one address instead of four. */
  const float *const first = k->link[h >> 1][h & 1][0];
  const size_t plane = odev_round_up(odev_halo_size(g));
  const float *const link[ODEV_LINKS] = {first, first + plane, first + 2 * plane, first + 3 * plane};
  return (foreign_row){stencil_begin(link, has_ring ? k->ring : NULL, rows, r, g.pitch), k->partner[h >> 1] + r * g.ld,
                       other};
}

INLINE vf foreign_heat(foreign_row *row, int c, int has_ring) {
  return vfma(vload(row->partner + c), vload(row->other + c), neighbour_heat(&row->near, c, has_ring));
}

/* ---- the substrate --------------------------------------------------------------------------- */

/* Warmth of the chip by cosine mode, beyond the usual [turns of theta]. */
typedef struct {
  float mode[ODEV_CODEC_MODES][ODEV_CODEC_MODES];
} warmth_modes;

/* Sixteen partial sums of each mode, whatever the width: the same on every path. */
enum { WARM_SUB = ODEV_LANES / W };

/* From the moments of what the power of a chip's heaters differs by from the usual. */
INLINE warmth_modes modes_of(const odev_codec *k, odev_geometry g, float *const power[4], int chip,
                             const double per_mw[ODEV_CODEC_MODES][ODEV_CODEC_MODES]) {
  float *const *const own = power + 2 * chip;
  vf sum[ODEV_CODEC_MODES][ODEV_CODEC_MODES][WARM_SUB];
  memset(sum, 0, sizeof sum);
  for (int r = 0; r < g.n; ++r) {
    vf across[ODEV_CODEC_MODES][WARM_SUB];
    memset(across, 0, sizeof across);
    for (int c = 0; c < g.ld; c += ODEV_LANES)
      for (int j = 0; j < WARM_SUB; ++j) {
        const int column = c + j * W, at = r * g.pitch + column;
        vf total = vload(own[0] + at) + vload(own[1] + at);
        if (!k->is_4f) total = total + (vload(own[2] + at) + vload(own[3] + at));
        across[0][j] = across[0][j] + total;
        across[1][j] = vfma(vload(k->cosine[1] + column), total, across[1][j]);
        across[2][j] = vfma(vload(k->cosine[2] + column), total, across[2][j]);
      }
    for (int p = 0; p < ODEV_CODEC_MODES; ++p)
      for (int q = 0; q < ODEV_CODEC_MODES; ++q)
        for (int j = 0; j < WARM_SUB; ++j)
          sum[p][q][j] = vfma(vset(k->cosine[p][r]), across[q][j], sum[p][q][j]);
  }
  warmth_modes warm;
  for (int p = 0; p < ODEV_CODEC_MODES; ++p)
    for (int q = 0; q < ODEV_CODEC_MODES; ++q) {
      double total = -k->usual_mw[chip][p][q];
      for (int j = 0; j < WARM_SUB; ++j)
        for (int i = 0; i < W; ++i) total += (double)sum[p][q][j][i];
      warm.mode[p][q] = (float)(per_mw[p][q] * total);
    }
  return warm;
}

/* The warmth along one row: its three modes across. */
typedef struct {
  vf across[ODEV_CODEC_MODES];
} warmth_row;

INLINE warmth_row warmth_at(const odev_codec *k, const warmth_modes *warm, int r) {
  warmth_row row;
  for (int q = 0; q < ODEV_CODEC_MODES; ++q) {
    float total = 0;
    for (int p = 0; p < ODEV_CODEC_MODES; ++p) total += warm->mode[p][q] * k->cosine[p][r];
    row.across[q] = vset(total);
  }
  return row;
}

INLINE vf warmth_turns(const odev_codec *k, const warmth_row *row, int c) {
  return vfma(row->across[2], vload(k->cosine[2] + c), vfma(row->across[1], vload(k->cosine[1] + c), row->across[0]));
}

INLINE void add_warmth(const odev_codec *k, odev_geometry g, const warmth_modes *warm, int r, float *turns) {
  const warmth_row row = warmth_at(k, warm, r);
  for (int c = 0; c < g.ld; c += W) vstore(turns + c, vload(turns + c) + warmth_turns(k, &row, c));
}

/* Theta must be heated the less, the warmer the chip is. */
INLINE void take_warmth_off(const odev_codec *k, odev_geometry g, const encode_scratch *s) {
  warmth_modes warm[2];
  for (int chip = 0; chip <= k->is_4f; ++chip) warm[chip] = modes_of(k, g, s->power, chip, k->response[chip]);
  for (int stage = 0; stage < 2; ++stage)
    for (int r = 0; r < g.n; ++r) {
      const warmth_row row = warmth_at(k, &warm[k->is_4f ? stage : 0], r);
      for (int c = 0; c < g.ld; c += W) {
        float *const heat = s->heat[2 * stage] + r * g.ld + c;
        vstore(heat, vfnma(warmth_turns(k, &row, c), vload(k->mw_per_turn[stage][0] + r * g.ld + c), vload(heat)));
      }
    }
}

/* ---- heat to power and back ------------------------------------------------------------------ */

INLINE odev_plane code_plane(odev_geometry g, int is_float, void *codes, int h) {
  const size_t plane = (size_t)g.n * (size_t)g.n, size = is_float ? 4 : 2;
  return (odev_plane){(char *)codes + (size_t)h * plane * size, is_float, g.n};
}

/* Where one row of one heater's codes comes from and goes to. */
typedef struct {
  const float *slope, *per_full;
  odev_plane codes;
  vf code_max;
  int r;
} code_row;

INLINE code_row code_row_of(const odev_codec *k, odev_geometry g, int is_float, void *codes, int h, int r) {
  const int at = r * g.ld;
  return (code_row){k->slope_per_mw[h >> 1][h & 1] + at, k->per_power_full[h >> 1][h & 1] + at,
                    code_plane(g, is_float, codes, h), vset(k->code_max), r};
}

INLINE void power_to_code(const code_row *row, int c, vf power) {
  const vf p = vmax(power, vset(0.0f));
  const vf cold = p * vfma(vload(row->slope + c), p, vset(1.0f)); /* V^2 / R0 */
  const vf u = vsqrt(cold * vload(row->per_full + c)); /* in codes */
  plane_store(row->codes, row->r, c, vmin(u, row->code_max));
}

/* Row r of a heater's recent ones; rows outside the chip are zero. */
INLINE float *recent_row(odev_geometry g, const encode_scratch *s, int h, int r) {
  return s->recent[h] + (r < 0 || r >= g.n ? RECENT_ROWS : r % RECENT_ROWS) * g.pitch;
}

/* First round, one row of a heater: P1 = P0 + sum c (P0 - P0 of the neighbour), with mean couplings; the second
 * ring is left out, as if the power were smooth that far. */
INLINE void mean_round(const odev_codec *k, odev_geometry g, const encode_scratch *s, int h, int r) {
  const float *mean = k->mean_links[h >> 1][h & 1];
  const float *one_and_sum = k->mean_sums[h >> 1][h & 1][r == 0 ? 0 : r == g.n - 1 ? 2 : 1];
  const vf side = vset(mean[0]), corner = vset(mean[1]), partner = vset(mean[2]);
  const float *here = s->power[h] + (ptrdiff_t)r * g.pitch, *up = here - g.pitch, *down = here + g.pitch;
  const float *other = s->power[h ^ 1] + (ptrdiff_t)r * g.pitch;
  float *to = recent_row(g, s, h, r);
  vf before = vset(0.0f), vertical = vload(up) + vload(down), at = vload(here);
  vf columns = vfma(corner, vertical, side * at);
  for (int c = 0; c < g.ld; c += W) {
    const vf next = vload(here + c + W), next_vertical = vload(up + c + W) + vload(down + c + W);
    const vf after = vfma(corner, next_vertical, side * next);
    vf heat = vfrom_before(before, columns) + vfrom_after(columns, after);
    heat = vfma(side, vertical, vfma(partner, vload(other + c), heat));
    vstore(to + c, vfma(vload(one_and_sum + c), at, -heat));
    before = columns, columns = after, vertical = next_vertical, at = next;
  }
}

/* Second round, one row of a heater: P2 = Q - C P1, and its codes.  Beside a held phi b, whose phase phi a makes up
 * for, theta b's power is noted, and what it differs from the first guess by goes off phi a's heat. */
INLINE void exact_round(const odev_codec *k, odev_geometry g, int is_float, int has_ring, int is_held,
                        const encode_scratch *s, int h, int r, void *codes) {
  const float *heat = s->heat[h] + r * g.ld, *other = recent_row(g, s, h ^ 1, r);
  if (is_held && h == 2) other = s->power[3] + (ptrdiff_t)r * g.pitch;
  const power_rows rows = {recent_row(g, s, h, r), recent_row(g, s, h, r - 1), recent_row(g, s, h, r + 1),
                           recent_row(g, s, h, r - 2), recent_row(g, s, h, r + 2)};
  foreign_row row = foreign_begin(k, g, rows, other, h, r, has_ring);
  const code_row to = code_row_of(k, g, is_float, codes, h, r);
  const float *guess_b = s->power[2] + (ptrdiff_t)r * g.pitch, *mixed = k->held_mixed + r * g.ld;
  for (int c = 0; c < g.n; c += W) {
    vf power = vload(heat + c) - foreign_heat(&row, c, has_ring);
    if (is_held && h == 1) power = vfnma(vload(mixed + c), vload(s->final_b + c) - vload(guess_b + c), power);
    if (is_held && h == 2) vstore(s->final_b + c, power);
    power_to_code(&to, c, power);
  }
}

/* Solve P + C P = Q and write the codes of P.  Starting from P0 = Q / (1 + sum c) the smooth part is right
 * at once, and each round of Jacobi's method shrinks the rest.  In the first the scatter of the couplings
 * need not be known: what it leaves, the second one shrinks 20-fold too, to 5e-4 rad, less than a 14-bit
 * step.  Both go down the rows together, the second two rows behind, while what they share is near. */
INLINE void sweep(const odev_codec *k, odev_geometry g, int is_float, int has_ring, int is_held, const encode_scratch *s,
                  void *codes) {
  for (int r = 0; r < g.n + 2; ++r) {
    for (int h = 0; h < (is_held ? 3 : 4) && r < g.n; ++h) mean_round(k, g, s, h, r);
    if (r < 2) continue;
    exact_round(k, g, is_float, has_ring, is_held, s, 0, r - 2, codes);
    exact_round(k, g, is_float, has_ring, is_held, s, 2, r - 2, codes);
    exact_round(k, g, is_float, has_ring, is_held, s, 1, r - 2, codes);
    if (!is_held) exact_round(k, g, is_float, has_ring, is_held, s, 3, r - 2, codes);
  }
}

/* `is_held`: phi b's codes are the codec's own. */
INLINE void heat_to_codes(const odev_codec *k, odev_geometry g, int is_float, int has_crosstalk, int has_ring, int is_held,
                          const encode_scratch *s, void *codes) {
  if (k->has_substrate) take_warmth_off(k, g, s);
  if (is_held) {
    const size_t bytes = (size_t)g.n * (size_t)g.n * (is_float ? 4 : 2);
    memcpy((char *)codes + 3 * bytes, k->held_codes, bytes);
  }
  if (has_crosstalk && has_ring) {
    sweep(k, g, is_float, 1, is_held, s, codes);
  } else if (has_crosstalk) {
    sweep(k, g, is_float, 0, is_held, s, codes);
  } else {
    for (int h = 0; h < (is_held ? 3 : 4); ++h)
      for (int r = 0; r < g.n; ++r) {
        const code_row row = code_row_of(k, g, is_float, codes, h, r);
        for (int c = 0; c < g.n; c += W) power_to_code(&row, c, vload(s->heat[h] + r * g.ld + c));
      }
  }
}

/* One row's phase by the heat that its heaters feel [turns]. */
INLINE void heat_turns_row(const odev_codec *k, odev_geometry g, float *const power[4], int h, int r, float *turns) {
  const float *own = power[h] + (ptrdiff_t)r * g.pitch, *slope = k->turns_per_mw[h >> 1][h & 1] + r * g.ld;
  if (!k->has_crosstalk) {
    for (int c = 0; c < g.ld; c += W) vstore(turns + c, vload(own + c) * vload(slope + c));
    return;
  }
  foreign_row row = foreign_begin(k, g, ring_rows(power[h], r, g), power[h ^ 1] + (ptrdiff_t)r * g.pitch, h, r, k->has_ring);
  if (k->has_ring)
    for (int c = 0; c < g.ld; c += W) vstore(turns + c, (vload(own + c) + foreign_heat(&row, c, 1)) * vload(slope + c));
  else
    for (int c = 0; c < g.ld; c += W) vstore(turns + c, (vload(own + c) + foreign_heat(&row, c, 0)) * vload(slope + c));
}

#endif
