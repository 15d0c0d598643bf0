/* encode_impl.h - complex targets to heater codes, by inverting the calibrated model.
 *
 * The chip realises input_map * m_a * m_b with m_s = (1 + rho_s e^{i theta_s}) e^{i phi_s}.  The
 * amplitude is shared out evenly between both stages, so that the extinction floor of the product is
 * that of two; what one stage cannot reach, the other takes over.
 */
#ifndef ODEV_ENCODE_IMPL_H
#define ODEV_ENCODE_IMPL_H

#include "../host/codec.h"
#include "boundary_impl.h"
#include "fft_impl.h"
#include "precompensate_impl.h"
#include "predict_impl.h"
#include "vmath.h"

/* Heaters work in this window of phase, in turns: enough below it for the neighbours' heat. */
#define WINDOW_LOW 0.175f
#define PARKED_PHI 0.675f

INLINE vf wrap_to_window(vf turns) {
  const vf y = turns - vset(WINDOW_LOW);
  return turns - vround(y - vset(0.5f));
}

INLINE float lane_max(vf v) {
  float best = v[0];
  for (int i = 1; i < W; ++i) best = v[i] > best ? v[i] : best;
  return best;
}

/* Between these, squares of a frame's numbers stay in float's range as they are. */
#define LEAST_POWER 1e-12f
#define MOST_POWER 1e12f

/* The power of two that brings a frame's largest number to [1, 2): targets are squared on their way,
 * and gradients of 1e-25 would otherwise vanish.  (The outermost exponents stop one short.) */
INLINE float normalising_factor(odev_geometry g, const float *x) {
  const size_t count = 2 * (size_t)g.n * (size_t)g.n;
  vf most = vset(0.0f);
  for (size_t i = 0; i < count / W; ++i) most = vmax(vabs(vload(x + i * W)), most);
  float largest = lane_max(most);
  for (size_t left = count % W; left > 0; --left) {
    const float value = __builtin_fabsf(x[count - left]);
    largest = value > largest ? value : largest;
  }
  uint32_t bits;
  memcpy(&bits, &largest, sizeof bits);
  const uint32_t exponent = bits >> 23; /* biased; 0 for zero and denormals */
  bits = (exponent < 1 ? 253u : exponent > 253u ? 1u : 254u - exponent) << 23;
  float factor;
  memcpy(&factor, &bits, sizeof factor);
  return factor;
}

/* Load factor * x, conjugated if asked (the forward transform of conj(x) is conj of the inverse). */
INLINE vc load_target(odev_geometry g, const float *x, int r, int c, vf keep, vf turn) {
  vc target;
  load_complex(x + 2 * (size_t)r * (size_t)g.n, c, g.n, &target.re, &target.im);
  return (vc){target.re * keep, target.im * turn};
}

/* x, t = x / input_map, the energy of x, and the largest power that t asks of a pixel, relative to what that has. */
INLINE float chip_target(const odev_codec *k, odev_geometry g, const encode_scratch *s, const float *x, float factor, int conjugate,
                         int both_stages, double *energy) {
  const vf keep = vset(factor), turn = vset(conjugate ? -factor : factor);
  vf most = vset(0.0f), sum[SUB];
  for (int j = 0; j < SUB; ++j) sum[j] = vset(0.0f);
  for (int r = 0; r < g.n; ++r)
    for (int c = 0; c < g.ld; c += W) {
      const int at = r * g.ld + c;
      const vc target = load_target(g, x, r, c, keep, turn);
      const vc t = vc_mul(target, vload(k->inverse_input_re + at), vload(k->inverse_input_im + at));
      vstore(s->x_re + at, target.re);
      vstore(s->x_im + at, target.im);
      sum[at / W % SUB] = vfma(target.re, target.re, vfma(target.im, target.im, sum[at / W % SUB]));
      vstore(s->t_re + at, t.re);
      vstore(s->t_im + at, t.im);
      vf share = vfma(t.re, t.re, t.im * t.im) * vload(k->per_reach2[0] + at);
      if (both_stages) share = share * vload(k->per_reach2[1] + at);
      most = vmax(most, share);
    }
  *energy = sum_lanes(sum);
  return lane_max(most);
}

/* The operand, in 4f over the middle map: stage b's target.  Returns the largest power that it asks of a pixel. */
INLINE float operand_target(const odev_codec *k, odev_geometry g, const encode_scratch *s, const float *operand, float factor, int conjugate) {
  const vf keep = vset(factor), turn = vset(conjugate ? -factor : factor);
  vf most = vset(0.0f);
  for (int r = 0; r < g.n; ++r)
    for (int c = 0; c < g.ld; c += W) {
      const int at = r * g.ld + c;
      vc o = load_target(g, operand, r, c, keep, turn);
      if (k->is_4f) o = vc_mul(o, vload(k->inverse_middle_re + at), vload(k->inverse_middle_im + at));
      vstore(s->o_re + at, o.re);
      vstore(s->o_im + at, o.im);
      most = vmax(most, vfma(o.re, o.re, o.im * o.im) * vload(k->per_reach2[1] + at));
    }
  return lane_max(most);
}

/* What an operand lets through of a frame's power on its way between the lenses of 4f. */
INLINE double passed_power(const odev_codec *k, odev_geometry g, const float *operand, float factor, target_statistics t) {
  float down[ODEV_MAX_N], across[ODEV_MAX_N + ODEV_LANES];
  line_shape(g, t.down[0], k->wave, down);
  line_shape(g, t.across[0], k->wave, across);
  for (int c = g.n; c < g.ld; ++c) across[c] = 0;
  vf sum[SUB];
  for (int j = 0; j < SUB; ++j) sum[j] = vset(0.0f);
  for (int r = 0; r < g.n; ++r)
    for (int c = 0; c < g.ld; c += W) {
      const vc o = load_target(g, operand, r, c, vset(factor), vset(factor));
      const int j = c / W % SUB;
      sum[j] = vfma(vfma(o.re, o.re, o.im * o.im), vload(across + c) * vset(down[r]), sum[j]);
    }
  return sum_lanes(sum) / ((double)g.n * (double)g.n);
}

/* theta (turns, upper half) and transmission of one stage at power m2 = |m|^2. */
INLINE vc stage_at(const odev_codec *k, int stage, int at, vf m2, vf *theta_turns) {
  const vf rho = vload(k->rho[stage] + at);
  vf c = (m2 - vfma(rho, rho, vset(1.0f))) * vload(k->half_over_rho[stage] + at);
  c = vmin(vmax(c, vset(-1.0f)), vset(1.0f));
  vf sine;
  *theta_turns = vacos_turns(c, &sine);
  return (vc){vfma(rho, c, vset(1.0f)), rho * sine};
}

/* |m|^2 brought to what a stage can do. */
INLINE vf clip_to_stage(const odev_codec *k, int stage, int at, vf m2) {
  const vf rho = vload(k->rho[stage] + at), least = vset(1.0f) - rho, most = vset(1.0f) + rho;
  return vmin(vmax(m2, least * least), most * most);
}

/* The heat of heater h at phase psi [turns], and the first guess of its power, which it returns. */
INLINE vf set_heat(const odev_codec *k, const encode_scratch *s, int h, int at, int halo, vf psi) {
  const vf q = wrap_to_window(psi) * vload(k->mw_per_turn[h >> 1][h & 1] + at);
  const vf guess = q * vload(k->jacobi_start[h >> 1][h & 1] + at);
  vstore(s->heat[h] + at, q);
  vstore(s->power[h] + halo, guess);
  return guess;
}

/* Targets to the heat Q (mW) that each heater must feel, and the first guess of its power.  Without operand only the
 * sum of both phi reaches the field: stage b's is held, and stage a's makes up for what its neighbours do to it. */
INLINE void targets_to_heat(const odev_codec *k, odev_geometry g, const encode_scratch *s, float scale, float operand_scale,
                            int has_operand) {
  for (int r = 0; r < g.n; ++r)
    for (int c = 0; c < g.ld; c += W) {
      const int at = r * g.ld + c, halo = r * g.pitch + c;
      const vc want = {vload(s->t_re + at), vload(s->t_im + at)};
      const vf power = vfma(want.re, want.re, want.im * want.im) * vset(scale * scale);
      vf theta[2], phi[2];
      if (has_operand) {
        /* Each stage carries its own factor, phase and all: the product is the chip's. */
        const vc factor = {vload(s->o_re + at), vload(s->o_im + at)};
        const vf second = vfma(factor.re, factor.re, factor.im * factor.im) * vset(operand_scale * operand_scale);
        const vc ta = stage_at(k, 0, at, power, &theta[0]);
        const vc tb = stage_at(k, 1, at, second, &theta[1]);
        const vc ra = vc_mul(want, ta.re, -ta.im), rb = vc_mul(factor, tb.re, -tb.im);
        phi[0] = vatan2_turns(ra.im, ra.re) - vset(PARKED_PHI);
        phi[1] = vatan2_turns(rb.im, rb.re) + vset(PARKED_PHI);
      } else {
        /* Even shares, |m_a|^2 = |m_b|^2 = |m_a m_b|; where one stage is at its floor or ceiling, the
         * other makes up for it. */
        const vf even = vsqrt(power), first = clip_to_stage(k, 0, at, even), second = clip_to_stage(k, 1, at, even);
        const vmask a_has = vequal(first, even);
        const vf other = power / vmax(vselect(a_has, second, first), vset(1e-30f));
        const vc ta = stage_at(k, 0, at, vselect(a_has, other, first), &theta[0]);
        const vc tb = stage_at(k, 1, at, vselect(a_has, second, other), &theta[1]);
        const vc both = vc_mul(ta, tb.re, tb.im);
        const vc rest = vc_mul(want, both.re, -both.im);
        phi[0] = vatan2_turns(rest.im, rest.re) - vload(k->held_turns + at);
      }
      vf guess = vset(0.0f);
      for (int i = 0; i < 2; ++i) guess = set_heat(k, s, 2 * i, at, halo, theta[i] - vload(k->theta0_turns[i] + at));
      if (!has_operand) phi[0] = vfnma(guess, vload(k->held_turns_per_mw + at), phi[0]);
      set_heat(k, s, 1, at, halo, phi[0]);
      if (has_operand) set_heat(k, s, 3, at, halo, phi[1]);
    }
}

/* What the calibrated model says these codes realise, m_a m_b or with an operand m_a, subtracted from scale * t: the
 * target of a residual frame, left in t. */
INLINE void subtract_realised(const odev_codec *k, odev_geometry g, const encode_scratch *s, float scale, int has_operand, void *codes) {
  const vf to_u = vset(1.0f / k->code_max);
  for (int h = 0; h < 4; ++h)
    for (int r = 0; r < g.n; ++r)
      for (int c = 0; c < g.ld; c += W) {
        const vf u = plane_load(code_plane(g, k->float_codes, codes, h), r, c) * to_u;
        const vf cold = vload(k->power_full_mw[h >> 1][h & 1] + r * g.ld + c) * (u * u);
        const vf slope4 = vload(k->slope_per_mw[h >> 1][h & 1] + r * g.ld + c) * vset(4.0f);
        vstore(s->power[h] + r * g.pitch + c,
               (cold + cold) / (vset(1.0f) + vsqrt(vfma(slope4, cold, vset(1.0f)))));
      }
  warmth_modes warm;
  if (k->has_substrate) warm = modes_of(k, g, s->power, 0, k->warmth);
  for (int r = 0; r < g.n; ++r) {
    float turns[4][ODEV_MAX_N];
    for (int h = 0; h < 4; ++h) heat_turns_row(k, g, s->power, h, r, turns[h]);
    if (k->has_substrate)
      for (int h = 0; h < 4; h += 2) add_warmth(k, g, &warm, r, turns[h]);
    for (int c = 0; c < g.ld; c += W) {
      const int at = r * g.ld + c;
      vf psi[4], si, co;
      for (int h = 0; h < 4; ++h) psi[h] = vload(turns[h] + c);
      vsincos_turns(psi[1] + (has_operand ? vset(PARKED_PHI) : psi[3]), &si, &co);
      vc made = {co, si};
      for (int i = 0; i < (has_operand ? 1 : 2); ++i) {
        const vf rho = vload(k->rho[i] + at);
        vsincos_turns(psi[2 * i] + vload(k->theta0_turns[i] + at), &si, &co);
        made = vc_mul(made, vfma(rho, co, vset(1.0f)), rho * si);
      }
      vstore(s->t_re + at, vfma(vload(s->t_re + at), vset(scale), -made.re));
      vstore(s->t_im + at, vfma(vload(s->t_im + at), vset(scale), -made.im));
    }
  }
}

/* Mean power of what stage a shows of scale * t beside its target, its floor where it cannot go as low: as it leaves
 * stage b, pixel by pixel, or as a whole where a lens spreads it.  `of_target`: that of the target too. */
INLINE double shown_power(const odev_codec *k, odev_geometry g, const encode_scratch *s, float scale, float operand_scale, int of_target) {
  vf sum[SUB], passed[SUB];
  for (int j = 0; j < SUB; ++j) sum[j] = passed[j] = vset(0.0f);
  for (int r = 0; r < g.n; ++r)
    for (int c = 0; c < g.ld; c += W) {
      const int at = r * g.ld + c, j = c / W % SUB;
      const vf a = vload(s->t_re + at) * vset(scale), b = vload(s->t_im + at) * vset(scale);
      const vf o_re = vload(s->o_re + at), o_im = vload(s->o_im + at), lets = vfma(o_re, o_re, o_im * o_im);
      const vf wanted = vfma(a, a, b * b), least = vset(1.0f) - vload(k->rho[0] + at);
      vf power = vmax(wanted, least * least);
      if (!of_target) power = power - wanted;
      passed[j] = passed[j] + lets;
      sum[j] = k->is_4f ? sum[j] + power : vfma(power, lets, sum[j]);
    }
  const double pixels = (double)g.n * (double)g.n, through = k->is_4f ? sum_lanes(passed) / pixels : 1.0;
  return sum_lanes(sum) / pixels * through * (double)operand_scale * (double)operand_scale * (double)k->input_power;
}

/* A held phi b's power is the codec's own. */
INLINE void hold_phi_b(const odev_codec *k, encode_scratch *s, int is_held) {
  if (is_held) s->power[3] = (float *)(uintptr_t)k->held_mw;
}

INLINE float scale_for(float most) { return most > 0 ? 1.0f / __builtin_sqrtf(most) : 1.0f; }

/* One frame: x (N x N interleaved complex), optionally conjugated and with an operand for stage b. */
INLINE odev_encoded encode_frame_impl(const odev_codec *k, odev_geometry g, int is_float, int has_crosstalk, int has_ring, const float *x, const float *operand,
                                      int conjugate, void *codes, float *memory) {
  encode_scratch s = encode_scratch_of(g, memory);
  double energy;
  float factor = 1.0f, most = chip_target(k, g, &s, x, factor, conjugate, operand == NULL, &energy);
  if (!(most > LEAST_POWER && most < MOST_POWER)) {
    factor = normalising_factor(g, x);
    most = chip_target(k, g, &s, x, factor, conjugate, operand == NULL, &energy);
  }
  const float scale = scale_for(most);
  float operand_scale = 1.0f;
  if (operand) {
    const float own = normalising_factor(g, operand);
    operand_scale = scale_for(operand_target(k, g, &s, operand, own, conjugate));
    factor *= own;
  }
  hold_phi_b(k, &s, operand == NULL);
  targets_to_heat(k, g, &s, scale, operand_scale, operand != NULL);
  heat_to_codes(k, g, is_float, has_crosstalk, has_ring, operand == NULL, &s, codes);
  const float both = scale * operand_scale;
  const float floor = operand ? (float)(CREST_RESIDUAL * shown_power(k, g, &s, scale, operand_scale, 0)) : 0.0f;
  if (k->is_4f) {
    const target_statistics t = statistics_of(g, s.x_re, s.x_im, energy);
    const double passed = passed_power(k, g, operand, normalising_factor(g, operand), t);
    return (odev_encoded){both * factor, scale, predicted_image_peak(g, t, passed, both) + floor, operand_scale};
  }
  if (operand) { /* the product is what the lens sees */
    for (int at = 0; at < g.n * g.ld; at += W) {
      const vc p = vc_mul((vc){vload(s.x_re + at), vload(s.x_im + at)}, vload(s.o_re + at),
                          vload(s.o_im + at));
      vstore(s.x_re + at, p.re);
      vstore(s.x_im + at, p.im);
    }
    energy = energy_of(g, s.x_re, s.x_im);
  }
  const target_statistics t = statistics_of(g, s.x_re, s.x_im, energy);
  return (odev_encoded){both * factor, scale, predicted_peak(g, t, both) + floor, operand ? operand_scale : 0.0f};
}

/* The frame that takes up what `codes`, just encoded from the same scratch, could not realise; with an operand, what
 * stage a could not, seen through the same stage b. */
INLINE odev_encoded encode_residual_impl(const odev_codec *k, odev_geometry g, odev_encoded first, void *codes,
                                         void *residual_codes, float *memory) {
  encode_scratch s = encode_scratch_of(g, memory);
  const int has_operand = first.operand_scale > 0;
  subtract_realised(k, g, &s, first.chip_scale, has_operand, codes);
  vf most = vset(0.0f);
  for (int at = 0; at < g.n * g.ld; at += W) {
    const vf a = vload(s.t_re + at), b = vload(s.t_im + at);
    vf share = vfma(a, a, b * b) * vload(k->per_reach2[0] + at);
    if (!has_operand) share = share * vload(k->per_reach2[1] + at);
    most = vmax(most, share);
  }
  const float own = scale_for(lane_max(most));
  hold_phi_b(k, &s, !has_operand);
  targets_to_heat(k, g, &s, own, first.operand_scale, has_operand);
  heat_to_codes(k, g, k->float_codes, k->has_crosstalk, k->has_ring, !has_operand, &s, residual_codes);
  double peak = 0;
  if (has_operand) {
    peak = CREST_BESIDE_OPERAND * shown_power(k, g, &s, own, first.operand_scale, 1);
  } else {
    /* A residual lies where the target is strong, in few pixels: flat, but with more speckle. */
    const double mean = energy_of(g, s.t_re, s.t_im) / ((double)g.n * (double)g.n);
    peak = CREST_RESIDUAL * mean * (double)own * (double)own * (double)k->input_power;
  }
  return (odev_encoded){first.scale * own, own, (float)peak, first.operand_scale};
}

#endif
