/* precompensate_impl.h - the power of every heater, given the heat that each must feel: neighbours near and far,
 * the other heater of the pixel, and the substrate, which the whole chip's power warms.
 */
#ifndef ODEV_PRECOMPENSATE_IMPL_H
#define ODEV_PRECOMPENSATE_IMPL_H

#include "../host/codec.h"
#include "crosstalk_impl.h"

typedef struct {
  float *x_re, *x_im;      /* the target itself, plain planes */
  float *t_re, *t_im;      /* the target of m_a m_b, before scaling */
  float *o_re, *o_im;      /* operand, when stage b has a target of its own */
  float *heat[4];          /* what each heater must feel, mW: plain */
  float *power[4], *spare[4]; /* halo planes; borders are zero and stay zero */
} encode_scratch;

INLINE encode_scratch encode_scratch_of(odev_geometry g, float *memory) {
  encode_scratch s;
  float **plain[6] = {&s.x_re, &s.x_im, &s.t_re, &s.t_im, &s.o_re, &s.o_im};
  for (int i = 0; i < 6; ++i, memory += odev_plain_size(g)) *plain[i] = memory;
  for (int h = 0; h < 4; ++h, memory += odev_plain_size(g)) s.heat[h] = memory;
  for (int h = 0; h < 4; ++h, memory += odev_halo_size(g)) s.power[h] = memory + odev_halo_origin(g);
  for (int h = 0; h < 4; ++h, memory += odev_halo_size(g)) s.spare[h] = memory + odev_halo_origin(g);
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

INLINE foreign_row foreign_begin(const odev_codec *k, float *const power[4], int h, int r, int has_ring) {
  const odev_geometry g = k->geometry;
  return (foreign_row){stencil_begin(k->link[h >> 1][h & 1], has_ring ? k->ring : NULL, ring_rows(power[h], r, g), r,
                                     g.pitch),
                       k->partner[h >> 1] + r * g.ld, power[h ^ 1] + (ptrdiff_t)r * g.pitch};
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

/* From the moments of what the heaters' power differs by from the usual. */
INLINE warmth_modes modes_of(const odev_codec *k, float *const power[4],
                             const double per_mw[ODEV_CODEC_MODES][ODEV_CODEC_MODES]) {
  const odev_geometry g = k->geometry;
  vf sum[ODEV_CODEC_MODES][ODEV_CODEC_MODES][WARM_SUB];
  memset(sum, 0, sizeof sum);
  for (int r = 0; r < g.n; ++r) {
    vf across[ODEV_CODEC_MODES][WARM_SUB];
    memset(across, 0, sizeof across);
    for (int c = 0; c < g.ld; c += ODEV_LANES)
      for (int j = 0; j < WARM_SUB; ++j) {
        const int column = c + j * W, at = r * g.pitch + column;
        const vf total = (vload(power[0] + at) + vload(power[1] + at)) + (vload(power[2] + at) + vload(power[3] + at));
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
      double total = -k->usual_mw[p][q];
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

INLINE void add_warmth(const odev_codec *k, const warmth_modes *warm, int r, float *turns) {
  const warmth_row row = warmth_at(k, warm, r);
  for (int c = 0; c < k->geometry.ld; c += W) vstore(turns + c, vload(turns + c) + warmth_turns(k, &row, c));
}

/* Theta must be heated the less, the warmer the chip is. */
INLINE void take_warmth_off(const odev_codec *k, encode_scratch s) {
  const odev_geometry g = k->geometry;
  const warmth_modes warm = modes_of(k, s.power, k->response);
  for (int r = 0; r < g.n; ++r) {
    const warmth_row row = warmth_at(k, &warm, r);
    for (int c = 0; c < g.ld; c += W) {
      const vf turns = warmth_turns(k, &row, c);
      for (int h = 0; h < 4; h += 2) {
        float *const heat = s.heat[h] + r * g.ld + c;
        vstore(heat, vfnma(turns, vload(k->mw_per_turn[h >> 1][0] + r * g.ld + c), vload(heat)));
      }
    }
  }
}

/* ---- heat to power and back ------------------------------------------------------------------ */

/* One round of P = Q - C P.  Before the last, the ring's small part is taken as if the power were smooth. */
INLINE void jacobi_round(const odev_codec *k, encode_scratch *s, int has_ring) {
  const odev_geometry g = k->geometry;
  const vf smooth = vset(has_ring ? 0.0f : k->ring_sum);
  for (int r = 0; r < g.n; ++r)
    for (int h = 0; h < 4; ++h) {
      foreign_row row = foreign_begin(k, s->power, h, r, has_ring);
      const float *heat = s->heat[h] + r * g.ld, *own = s->power[h] + r * g.pitch;
      float *to = s->spare[h] + r * g.pitch;
      for (int c = 0; c < g.ld; c += W) {
        const vf left = vload(heat + c) - foreign_heat(&row, c, has_ring);
        vstore(to + c, has_ring ? left : vfnma(smooth, vload(own + c), left));
      }
    }
  for (int h = 0; h < 4; ++h) {
    float *const swap = s->power[h];
    s->power[h] = s->spare[h];
    s->spare[h] = swap;
  }
}

/* Solve P + C P = Q.  Starting from Q / (1 + sum c) the smooth part is right at once, and each of the two
 * rounds shrinks the rest about 25-fold: 1e-4 rad are left, a tenth of a 14-bit step.  In s.power. */
INLINE void heat_to_power(const odev_codec *k, encode_scratch *s) {
  if (k->has_substrate) take_warmth_off(k, *s);
  if (!k->has_crosstalk) return;
  jacobi_round(k, s, 0);
  if (k->has_ring)
    jacobi_round(k, s, 1);
  else
    jacobi_round(k, s, 0);
}

/* One row's phase by the heat that its heaters feel [turns]. */
INLINE void heat_turns_row(const odev_codec *k, float *const power[4], int h, int r, float *turns) {
  const odev_geometry g = k->geometry;
  const float *own = power[h] + (ptrdiff_t)r * g.pitch, *slope = k->turns_per_mw[h >> 1][h & 1] + r * g.ld;
  if (!k->has_crosstalk) {
    for (int c = 0; c < g.ld; c += W) vstore(turns + c, vload(own + c) * vload(slope + c));
    return;
  }
  foreign_row row = foreign_begin(k, power, h, r, k->has_ring);
  if (k->has_ring)
    for (int c = 0; c < g.ld; c += W) vstore(turns + c, (vload(own + c) + foreign_heat(&row, c, 1)) * vload(slope + c));
  else
    for (int c = 0; c < g.ld; c += W) vstore(turns + c, (vload(own + c) + foreign_heat(&row, c, 0)) * vload(slope + c));
}

#endif
