/* held_phase.c - the second phi heater of every pixel, at one code for all frames.
 *
 * In one field only the sum of both phi counts.  The code is that of mid-window among heaters like it, rounded; the
 * phase it then shows by the calibrated model is known, but for what its own theta heater adds, and phi a makes up for
 * both.
 */
#include "held_phase.h"

#include <math.h>
#include <stdlib.h>

enum { STAGE = 1, HEATER = 1 };

/* V^2 / R0 (mW) of the code nearest to a power, and that code. */
static double cold_mw(const odev_codec *k, int at, double power, double *code) {
  const double slope = (double)k->slope_per_mw[STAGE][HEATER][at], full = (double)k->power_full_mw[STAGE][HEATER][at];
  const double most = (double)k->code_max, drive = most * sqrt(fmax(power * (1 + slope * power), 0) / full);
  *code = drive < most ? drive : most; /* of a dead heater too, that has no power to take */
  if (!k->float_codes) *code = nearbyint(*code);
  return full * (*code / most) * (*code / most);
}

/* What the heater at (r, c) feels of its like, itself included [mW]. */
static double felt_mw(const odev_codec *k, const float *power, ptrdiff_t r, ptrdiff_t c) {
  const odev_geometry g = k->geometry;
  const float *const *link = k->link[STAGE][HEATER];
  const ptrdiff_t pitch = g.pitch, at = r * pitch + c, up = at - pitch;
  const ptrdiff_t to[ODEV_LINKS] = {
      [ODEV_LINK_E] = 1, [ODEV_LINK_S] = pitch, [ODEV_LINK_SE] = pitch + 1, [ODEV_LINK_SW] = pitch - 1};
  double heat = (double)power[at];
  for (int d = 0; d < ODEV_LINKS; ++d) heat += (double)link[d][at] * (double)power[at + to[d]];
  heat += (double)link[ODEV_LINK_E][at - 1] * (double)power[at - 1] + (double)link[ODEV_LINK_S][up] * (double)power[up] +
          (double)link[ODEV_LINK_SE][up - 1] * (double)power[up - 1] +
          (double)link[ODEV_LINK_SW][up + 1] * (double)power[up + 1];
  for (ptrdiff_t i = -2; k->has_ring && i <= 2; ++i)
    for (ptrdiff_t j = -2; j <= 2; ++j) {
      const ptrdiff_t far = i * i + j * j;
      if (far < 4 || r + i < 0 || r + i >= g.n || c + j < 0 || c + j >= g.n) continue;
      heat += (double)k->ring[far == 4 ? 0 : far == 5 ? 1 : 2] * (double)power[at + i * pitch + j];
    }
  return heat;
}

int odev_hold_phi_b(odev_codec *k, odev_arena *arena) {
  const odev_geometry g = k->geometry;
  float *const power = odev_arena_take(arena, odev_halo_size(g)) + odev_halo_origin(g);
  float *const turns = odev_arena_take(arena, odev_plain_size(g));
  float *const per_mw = odev_arena_take(arena, odev_plain_size(g));
  float *const mixed = odev_arena_take(arena, odev_plain_size(g));
  k->held_codes = malloc((size_t)g.n * (size_t)g.n * (k->float_codes ? sizeof(float) : sizeof(uint16_t)));
  if (!k->held_codes) return -1;
  for (int r = 0; r < g.n; ++r)
    for (int c = 0; c < g.n; ++c) {
      const int at = r * g.ld + c;
      const double wanted = ODEV_MIDDLE_TURNS * (double)k->mw_per_turn[STAGE][HEATER][at] * (double)k->jacobi_start[STAGE][HEATER][at];
      double code;
      const double cold = cold_mw(k, at, wanted, &code);
      if (k->float_codes)
        ((float *)k->held_codes)[r * g.n + c] = (float)code;
      else
        ((uint16_t *)k->held_codes)[r * g.n + c] = (uint16_t)code;
      power[r * g.pitch + c] = (float)(2 * cold / (1 + sqrt(1 + 4 * (double)k->slope_per_mw[STAGE][HEATER][at] * cold)));
    }
  for (int r = 0; r < g.n; ++r)
    for (int c = 0; c < g.n; ++c) {
      const int at = r * g.ld + c;
      const double turns_per_mw = (double)k->turns_per_mw[STAGE][HEATER][at];
      turns[at] = (float)(turns_per_mw * felt_mw(k, power, r, c));
      per_mw[at] = (float)(turns_per_mw * (double)k->partner[STAGE][at]);
      mixed[at] = per_mw[at] * k->mw_per_turn[0][HEATER][at];
    }
  k->held_mw = power;
  k->held_turns = turns;
  k->held_turns_per_mw = per_mw;
  k->held_mixed = mixed;
  return 0;
}
