/* heat_impl.h - codes to the phases that the heaters settle at. */
#ifndef ODEV_HEAT_IMPL_H
#define ODEV_HEAT_IMPL_H

#include "../emulator/model.h"
#include "boundary_impl.h"
#include "crosstalk_impl.h"
#include "power_rows.h"

/* A row's converter, spread over the lanes. */
typedef struct {
  vtable leading;
  vf slope, bend;
} converter;

/* Drives of the W codes from column c: u' by the row's converter; without errors the codes themselves, whose
 * scale is in the power. */
INLINE vf heater_drive(const converter *dac, int leading_shift, odev_plane code, int r, int c, int has_errors) {
  if (!has_errors) return plane_load(code, r, c);
  const vi raw = load_u16((const uint16_t *)code.data + (size_t)r * (size_t)code.n, c, code.n);
  const vf u = vfrom_i(raw);
  return vfma(u, vfma(u, dac->bend, dac->slope), vtable_at(dac->leading, raw >> leading_shift));
}

/* P = V^2 / (R0 (1 + beta P)), solved for P: 2 P0 / (1 + sqrt(1 + 4 beta P0)). */
INLINE vf heater_power(const vf polynomial[ODEV_POWER_TERMS], vf cold, vf slope4, int has_polynomial) {
  const vf x = slope4 * cold;
  if (!has_polynomial) return (cold + cold) / (vset(1.0f) + vsqrt(vset(1.0f) + x));
  vf ratio = polynomial[ODEV_POWER_TERMS - 1];
  for (int i = ODEV_POWER_TERMS - 2; i >= 0; --i) ratio = vfma(ratio, x, polynomial[i]);
  return ratio * cold;
}

/* Row r of all four heaters' powers. */
INLINE void power_row(const odev_emulator_model *m, const void *codes, int r, float *const row[4], int has_errors,
                      int has_polynomial) {
  const odev_geometry g = m->geometry;
  const int shift = m->leading_shift, is_float = has_errors ? 0 : m->float_codes;
  const size_t plane = (size_t)g.n * (size_t)g.n * (m->float_codes ? 4 : 2);
  vf polynomial[ODEV_POWER_TERMS];
  for (int i = 0; i < ODEV_POWER_TERMS; ++i) polynomial[i] = vset(m->power_polynomial[i]);
  for (int h = 0; h < 4; ++h) {
    const odev_plane code = {(char *)(uintptr_t)codes + (size_t)h * plane, is_float, g.n};
    const float *full = m->power_full_mw[h >> 1][h & 1] + r * g.ld, *slope4 = m->slope4_per_mw[h >> 1][h & 1] + r * g.ld;
    const float *dac = m->dac[h >> 1][h & 1] + (size_t)r * ODEV_DAC_ROW;
    const converter own = {vtable_of(dac), vset(dac[ODEV_DAC_SLOPE]), vset(dac[ODEV_DAC_BEND])};
    float *to = row[h];
    for (int c = 0; c < g.ld; c += W) {
      const vf u = heater_drive(&own, shift, code, r, c, has_errors);
      const vf cold = vload(full + c) * (u * u);
      vstore(to + c, heater_power(polynomial, cold, vload(slope4 + c), has_polynomial));
    }
  }
}

INLINE void power_row_of(const odev_emulator_model *m, const void *codes, int r, float *const row[4]) {
  if (m->has_dac_errors && m->has_power_polynomial)
    power_row(m, codes, r, row, 1, 1);
  else if (m->has_dac_errors)
    power_row(m, codes, r, row, 1, 0);
  else if (m->has_power_polynomial)
    power_row(m, codes, r, row, 0, 1);
  else
    power_row(m, codes, r, row, 0, 0);
}

/* Heater powers of one frame, onto four plain planes. */
INLINE void heater_powers_impl(const odev_emulator_model *m, const void *codes, float *power[4]) {
  const odev_geometry g = m->geometry;
  for (int r = 0; r < g.n; ++r) {
    float *const row[4] = {power[0] + r * g.ld, power[1] + r * g.ld, power[2] + r * g.ld, power[3] + r * g.ld};
    power_row_of(m, codes, r, row);
  }
}

/* A row's sums over the columns' modes, in sixteen partial sums whatever the width: the same on every path. */
enum { HEAT_SUB = ODEV_LANES / W };
INLINE void row_moments(const odev_emulator_model *m, float *const row[4], float *sums) {
  const odev_geometry g = m->geometry;
  vf across[2][ODEV_MODES][HEAT_SUB];
  memset(across, 0, sizeof across);
  for (int c = 0; c < g.ld; c += ODEV_LANES)
    for (int j = 0; j < HEAT_SUB; ++j) {
      const int at = c + j * W;
      const vf one = vload(m->cosine[1] + at), two = vload(m->cosine[2] + at);
      const vf a = vload(row[0] + at) + vload(row[1] + at), b = vload(row[2] + at) + vload(row[3] + at);
      const vf total[2] = {m->is_4f ? a : a + b, b};
      for (int chip = 0; chip <= m->is_4f; ++chip) {
        across[chip][0][j] = across[chip][0][j] + total[chip];
        across[chip][1][j] = vfma(one, total[chip], across[chip][1][j]);
        across[chip][2][j] = vfma(two, total[chip], across[chip][2][j]);
      }
    }
  for (int chip = 0; chip <= m->is_4f; ++chip)
    for (int q = 0; q < ODEV_MODES; ++q)
      for (int j = 0; j < HEAT_SUB; ++j)
        vstore(sums + (chip * ODEV_MODES + q) * ODEV_LANES + j * W, across[chip][q][j]);
}

/* All rows' sums to the modes of the frame. */
INLINE void frame_moments(const odev_emulator_model *m, const float *sums, odev_moments *moments) {
  for (int chip = 0; chip <= m->is_4f; ++chip)
    for (int q = 0; q < ODEV_MODES; ++q) {
      vf total[ODEV_MODES][HEAT_SUB];
      memset(total, 0, sizeof total);
      const float *row = sums + (chip * ODEV_MODES + q) * ODEV_LANES;
      for (int r = 0; r < m->geometry.n; ++r, row += ODEV_ROW_SUMS)
        for (int p = 0; p < ODEV_MODES; ++p)
          for (int j = 0; j < HEAT_SUB; ++j)
            total[p][j] = vfma(vset(m->cosine[p][r]), vload(row + j * W), total[p][j]);
      for (int p = 0; p < ODEV_MODES; ++p) {
        double sum = 0;
        for (int j = 0; j < HEAT_SUB; ++j)
          for (int i = 0; i < W; ++i) sum += (double)total[p][j][i];
        moments->mode[chip][p][q] = sum;
      }
    }
}

INLINE power_rows rows_about(odev_power_rows ring, int n, int heater, int r) {
  const float *row[5];
  for (int d = -2; d <= 2; ++d)
    row[d + 2] = r + d >= 0 && r + d < n ? odev_power_row(ring, heater, r + d) : ring.outside;
  return (power_rows){row[2], row[1], row[3], row[0], row[4]};
}

/* Row r of one heater's heat, Q_i = P_i + sum_j c_ij P_j + partner P_other [mW]. */
INLINE void heat_row(const odev_emulator_model *m, odev_power_rows ring, int h, int r, float *heat, int has_ring) {
  const odev_geometry g = m->geometry;
  const power_rows rows = rows_about(ring, g.n, h, r);
  const float *partner = m->partner[h >> 1] + r * g.ld, *other = odev_power_row(ring, h ^ 1, r);
  stencil_row row = stencil_begin(m->link[h >> 1][h & 1], has_ring ? m->ring : NULL, rows, r, g.pitch);
  for (int c = 0; c < g.ld; c += W) {
    const vf own = vfma(vload(partner + c), vload(other + c), row.here_at);
    vstore(heat + c, own + neighbour_heat(&row, c, has_ring));
  }
}

/* Row r of the steady phases [turns]. */
INLINE void phase_row(const odev_emulator_model *m, odev_power_rows ring, int r, float *turns[4]) {
  const odev_geometry g = m->geometry;
  const int at = r * g.ld;
  float heat[4][ODEV_MAX_N];
  const float *q[4];
  for (int h = 0; h < 4; ++h) {
    q[h] = m->has_crosstalk ? heat[h] : odev_power_row(ring, h, r);
    if (m->has_crosstalk && m->has_ring)
      heat_row(m, ring, h, r, heat[h], 1);
    else if (m->has_crosstalk)
      heat_row(m, ring, h, r, heat[h], 0);
  }
  for (int c = 0; c < g.ld; c += W) {
    vstore(turns[0] + at + c, vload(q[0] + c) * vload(m->turns_per_mw[0][0] + at + c));
    vstore(turns[1] + at + c, vload(q[2] + c) * vload(m->turns_per_mw[1][0] + at + c));
    const vf phi = vload(q[1] + c) * vload(m->turns_per_mw[0][1] + at + c);
    const vf second = vload(m->turns_per_mw[1][1] + at + c);
    if (m->is_4f) {
      vstore(turns[2] + at + c, phi);
      vstore(turns[3] + at + c, vload(q[3] + c) * second);
    } else {
      vstore(turns[2] + at + c, vfma(vload(q[3] + c), second, phi));
    }
  }
}

/* Codes to steady phases without the substrate's part, and the moments that this one follows from. */
INLINE void steady_phases_impl(const odev_emulator_model *m, const void *codes, odev_power_rows ring,
                               float *turns[4], odev_moments *moments) {
  const int n = m->geometry.n;
  memset(moments, 0, sizeof *moments);
  for (int ahead = 0; ahead < n + ODEV_RING_REACH; ++ahead) {
    if (ahead < n) {
      float *row[4];
      for (int h = 0; h < 4; ++h) row[h] = odev_power_row(ring, h, ahead);
      power_row_of(m, codes, ahead, row);
      if (m->has_substrate) row_moments(m, row, ring.sums + (size_t)ahead * ODEV_ROW_SUMS);
    }
    if (ahead >= ODEV_RING_REACH) phase_row(m, ring, ahead - ODEV_RING_REACH, turns);
  }
  if (m->has_substrate) frame_moments(m, ring.sums, moments);
}

#endif
