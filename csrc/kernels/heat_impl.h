/* heat_impl.h - codes to the phases that the heaters settle at. */
#ifndef ODEV_HEAT_IMPL_H
#define ODEV_HEAT_IMPL_H

#include "../emulator/model.h"
#include "boundary_impl.h"
#include "crosstalk_impl.h"
#include "power_rows.h"

/* Voltages of the W codes from column c: u' by the row's converter `dac`, or without errors the codes
 * themselves, whose scale is in the power. */
INLINE vf heater_drive(const odev_emulator_model *m, const float *dac, odev_plane code, int r, int c,
                         int has_errors) {
  const vf raw = plane_load(code, r, c);
  if (!has_errors) return raw;
  const vf bits = vlookup16(dac, vto_i(raw) >> m->leading_shift);
  return vfma(raw, vfma(raw, vset(dac[ODEV_DAC_BEND]), vset(dac[ODEV_DAC_SLOPE])), bits);
}

/* P = V^2 / (R0 (1 + beta P)), solved for P: 2 P0 / (1 + sqrt(1 + 4 beta P0)). */
INLINE vf heater_power(const odev_emulator_model *m, vf cold, vf slope4, int has_polynomial) {
  const vf x = slope4 * cold;
  if (!has_polynomial) return (cold + cold) / (vset(1.0f) + vsqrt(vset(1.0f) + x));
  vf ratio = vset(m->power_polynomial[ODEV_POWER_TERMS - 1]);
  for (int i = ODEV_POWER_TERMS - 2; i >= 0; --i) ratio = vfma(ratio, x, vset(m->power_polynomial[i]));
  return ratio * cold;
}

/* Row r of all four heaters' powers. */
INLINE void power_row(const odev_emulator_model *m, const void *codes, int r, float *const row[4], int has_errors,
                      int has_polynomial) {
  const odev_geometry g = m->geometry;
  const size_t plane = (size_t)g.n * (size_t)g.n, size = m->float_codes ? 4 : 2;
  for (int c = 0; c < g.ld; c += W)
    for (int h = 0; h < 4; ++h) {
      const odev_plane code = {(char *)(uintptr_t)codes + (size_t)h * plane * size, m->float_codes, g.n};
      const float *dac = m->dac[h >> 1][h & 1] + (size_t)r * ODEV_DAC_ROW;
      const vf u = heater_drive(m, dac, code, r, c, has_errors);
      const vf cold = vload(m->power_full_mw[h >> 1][h & 1] + r * g.ld + c) * (u * u);
      const vf slope4 = vload(m->slope4_per_mw[h >> 1][h & 1] + r * g.ld + c);
      vstore(row[h] + c, heater_power(m, cold, slope4, has_polynomial));
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

/* Sixteen partial sums of each mode, whatever the width: the same on every path. */
enum { HEAT_SUB = ODEV_LANES / W };
typedef struct {
  vf sum[2][ODEV_MODES][ODEV_MODES][HEAT_SUB];
} moment_sums;

/* Adds a row: its sums over the columns' modes, times the row's. */
INLINE void add_moments(const odev_emulator_model *m, float *const row[4], int r, moment_sums *sums) {
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
    for (int p = 0; p < ODEV_MODES; ++p)
      for (int q = 0; q < ODEV_MODES; ++q)
        for (int j = 0; j < HEAT_SUB; ++j)
          sums->sum[chip][p][q][j] =
              vfma(vset(m->cosine[p][r]), across[chip][q][j], sums->sum[chip][p][q][j]);
}

INLINE void finish_moments(const odev_emulator_model *m, const moment_sums *sums, odev_moments *moments) {
  for (int chip = 0; chip <= m->is_4f; ++chip)
    for (int p = 0; p < ODEV_MODES; ++p)
      for (int q = 0; q < ODEV_MODES; ++q) {
        double total = 0;
        for (int j = 0; j < HEAT_SUB; ++j)
          for (int i = 0; i < W; ++i) total += (double)sums->sum[chip][p][q][j][i];
        moments->mode[chip][p][q] = total;
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
  stencil_row near = stencil_begin(m->link[h >> 1][h & 1], rows, r, g.pitch);
  ring_row far;
  if (has_ring) far = ring_begin(m->ring, rows);
  for (int c = 0; c < g.ld; c += W) {
    vf q = vload(rows.here + c) + vfma(vload(partner + c), vload(other + c), neighbour_heat(&near, c));
    if (has_ring) q = q + ring_heat(&far, c);
    vstore(heat + c, q);
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
  moment_sums sums;
  memset(&sums, 0, sizeof sums);
  memset(moments, 0, sizeof *moments);
  for (int ahead = 0; ahead < n + ODEV_RING_REACH; ++ahead) {
    if (ahead < n) {
      float *row[4];
      for (int h = 0; h < 4; ++h) row[h] = odev_power_row(ring, h, ahead);
      power_row_of(m, codes, ahead, row);
      if (m->has_substrate) add_moments(m, row, ahead, &sums);
    }
    if (ahead >= ODEV_RING_REACH) phase_row(m, ring, ahead - ODEV_RING_REACH, turns);
  }
  if (m->has_substrate) finish_moments(m, &sums, moments);
}

#endif
