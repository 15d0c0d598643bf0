/* model.c - from fabrication values to planes the kernels read. */
#include "build.h"

#include <math.h>

#include "../kernels/planes.h"
#include "../kernels/slow_lens.h"
#include "power_polynomial.h"

static const double two_pi = 6.283185307179586476925286766559;

static int any_nonzero(const double *x, size_t count) {
  for (size_t i = 0; i < count; ++i)
    if (x[i] != 0) return 1;
  return 0;
}

/* A plane filled by `value(context, index)`, index in natural order. */
static const float *plane_of(odev_arena *arena, odev_geometry g, double (*value)(const void *, size_t),
                             const void *context) {
  float *const plane = odev_arena_take(arena, odev_plain_size(g));
  for (int r = 0; r < g.n; ++r)
    for (int c = 0; c < g.n; ++c)
      plane[r * g.ld + c] = (float)value(context, (size_t)r * (size_t)g.n + (size_t)c);
  return plane;
}

static double half_over(const void *p_pi, size_t at) { return 0.5 / ((const double *)p_pi)[at]; }

/* Two static phases and the phase of a complex map, added; null ones are 0.  In turns, reduced to one. */
typedef struct {
  const double *first, *second, *map;
} phases;

static double phase_turns(const void *context, size_t at) {
  const phases *p = context;
  double turns = (p->first[at] + (p->second ? p->second[at] : 0)) / two_pi;
  if (p->map) turns += atan2(p->map[2 * at + 1], p->map[2 * at]) / two_pi;
  return turns - nearbyint(turns);
}

/* An arm's amplitude times the size of a complex map, or of nothing. */
typedef struct {
  const double *arm, *map;
} amplitudes;

static double amplitude(const void *context, size_t at) {
  const amplitudes *a = context;
  return a->arm[at] * (a->map ? hypot(a->map[2 * at], a->map[2 * at + 1]) : 1);
}

/* factor * value * sqrt(qe) */
typedef struct {
  const double *value, *qe;
  size_t stride;
  double factor;
} rooted;

static double times_root(const void *context, size_t at) {
  const rooted *r = context;
  return r->factor * r->value[r->stride * at] * sqrt(r->qe[at]);
}

/* Codes to relative voltage u. */
static double code_scale(const odev_emulator_spec *s) { return s->dac_bits ? 1.0 / ((1u << s->dac_bits) - 1u) : 1.0; }

/* u' = g u + 4 B u (1 - u) + sum_k delta_k bit_k: g = 1 - sum_k delta_k. */
static void build_dac(odev_emulator_model *m, odev_arena *arena, const odev_emulator_spec *s) {
  const size_t n = (size_t)s->n;
  const double scale = code_scale(s);
  m->has_dac_errors =
      s->dac_bits >= 4 && (any_nonzero(s->dac_bow, 4 * n) || any_nonzero(s->dac_bit_error, 16 * n));
  m->leading_shift = s->dac_bits >= 4 ? (int)s->dac_bits - 4 : 0;
  for (size_t h = 0; h < 4; ++h) {
    float *row = odev_arena_take(arena, n * ODEV_DAC_ROW);
    m->dac[h >> 1][h & 1] = row;
    for (size_t r = 0; r < n; ++r, row += ODEV_DAC_ROW) {
      const double bow = s->dac_bow[h * n + r], *delta = s->dac_bit_error + 4 * (h * n + r);
      const double gain = 1 - delta[0] - delta[1] - delta[2] - delta[3];
      for (int bits = 0; bits < 16; ++bits) {
        double sum = 0;
        for (int k = 0; k < 4; ++k) sum += (bits >> (3 - k) & 1) * delta[k];
        row[bits] = (float)sum;
      }
      row[ODEV_DAC_SLOPE] = (float)((gain + 4 * bow) * scale);
      row[ODEV_DAC_BEND] = (float)(-4 * bow * scale * scale);
    }
  }
}

/* The largest 4 beta P0, or NaN if any is negative: converters err by far less than a twentieth. */
static double largest_slope(const odev_emulator_spec *s, size_t plane) {
  double most = 0;
  for (size_t i = 0; i < 4 * plane; ++i) {
    const double x = 4 * s->resistance_slope_per_mw[i] * s->power_full_mw[i];
    if (!(x >= 0)) return NAN;
    most = fmax(most, x);
  }
  return 1.1 * most;
}

static void build_heaters(odev_emulator_model *m, odev_arena *arena, const odev_emulator_spec *s) {
  const odev_geometry g = m->geometry;
  const size_t plane = (size_t)g.n * (size_t)g.n;
  const double drive_scale = m->has_dac_errors ? 1 : code_scale(s);
  for (int i = 0; i < 3; ++i) m->ring[i] = (float)s->ring[i];
  m->has_ring = any_nonzero(s->ring, 3);
  m->has_crosstalk = m->has_ring || any_nonzero(s->links, 16 * plane) || any_nonzero(s->partner, 2 * plane);
  m->has_power_polynomial = odev_power_polynomial(largest_slope(s, plane), m->power_polynomial);
  for (size_t stage = 0; stage < 2; ++stage) {
    const double *map = stage == 0 ? s->input_map : m->is_4f ? s->middle_map : NULL;
    for (size_t heater = 0; heater < 2; ++heater) {
      const size_t at = 2 * stage + heater;
      m->power_full_mw[stage][heater] = odev_plain_from(arena, g, s->power_full_mw + at * plane, 1, drive_scale * drive_scale);
      m->slope4_per_mw[stage][heater] =
          odev_plain_from(arena, g, s->resistance_slope_per_mw + at * plane, 1, 4.0);
      m->turns_per_mw[stage][heater] = plane_of(arena, g, half_over, s->p_pi_mw + at * plane);
      for (size_t d = 0; d < ODEV_LINKS; ++d)
        m->link[stage][heater][d] = odev_halo_from(arena, g, s->links + (ODEV_LINKS * at + d) * plane);
    }
    const size_t offset = stage * plane;
    m->partner[stage] = odev_plain_from(arena, g, s->partner + offset, 1, 1.0);
    m->b0[stage] = plane_of(arena, g, amplitude, &(amplitudes){s->b0 + offset, map});
    m->b1[stage] = plane_of(arena, g, amplitude, &(amplitudes){s->b1 + offset, map});
    m->static_theta_turns[stage] =
        plane_of(arena, g, phase_turns, &(phases){s->static_phase_rad + 2 * offset, NULL, NULL});
  }
  const double *phi_a = s->static_phase_rad + plane, *phi_b = s->static_phase_rad + 3 * plane;
  m->static_phi_turns[0] =
      plane_of(arena, g, phase_turns, &(phases){phi_a, m->is_4f ? NULL : phi_b, s->input_map});
  if (m->is_4f) m->static_phi_turns[1] = plane_of(arena, g, phase_turns, &(phases){phi_b, NULL, s->middle_map});
}

static void build_surroundings(odev_emulator_model *m, odev_arena *arena, const odev_emulator_spec *s) {
  const odev_geometry g = m->geometry;
  for (int p = 0; p < ODEV_MODES; ++p) {
    float *const line = odev_arena_take(arena, (size_t)g.ld);
    for (int r = 0; r < g.n; ++r) line[r] = (float)cos(two_pi / 2 * p * (r + 0.5) / g.n);
    m->cosine[p] = line;
  }
  float *const ramp = odev_arena_take(arena, (size_t)g.ld);
  for (int r = 0; r < g.n; ++r) ramp[r] = (float)((double)(r - g.n / 2) / g.n);
  m->ramp = ramp;
  memcpy(m->substrate_k_per_mw, s->substrate_k_per_mw, sizeof m->substrate_k_per_mw);
  m->has_substrate = any_nonzero(s->substrate_k_per_mw, ODEV_MODES * ODEV_MODES);
  m->memory = (float)s->transient_memory;
  m->ambient_k = s->ambient_k;
  m->interlock_k = s->interlock_k;
  m->ambient_turns_per_k = s->ambient_rad_per_k / two_pi;
  m->wavelength_turns_per_pm = s->wavelength_rad_per_pm / two_pi;
  memcpy(m->drift_amplitude, s->drift_amplitude, sizeof m->drift_amplitude);
  for (int d = 0; d < ODEV_DRIFTS; ++d)
    for (int j = 0; j < ODEV_TONES; ++j) {
      m->drift_hz[d][j] = s->drift_omega_rad_per_s[d * ODEV_TONES + j] / two_pi;
      m->drift_turns[d][j] = s->drift_phase_rad[d * ODEV_TONES + j] / two_pi;
    }
}

static void build_optics(odev_emulator_model *m, odev_arena *arena, const odev_emulator_spec *s) {
  const odev_geometry g = m->geometry;
  /* The lenses are orthonormal, the transforms are not; in 4f the first one's share is here as well. */
  const double lens = m->is_4f ? 1.0 / ((double)g.n * g.n) : 1.0 / g.n;
  m->output_re = plane_of(arena, g, times_root, &(rooted){s->output_map, s->qe_map, 2, lens});
  m->output_im = plane_of(arena, g, times_root, &(rooted){s->output_map + 1, s->qe_map, 2, lens});
  m->reference = plane_of(arena, g, times_root, &(rooted){s->reference_map, s->qe_map, 1, 1.0});
  m->responsivity_e = odev_plain_from(arena, g, s->qe_map, 1, 1.0);
  m->dark_e_per_us = odev_plain_from(arena, g, s->dark_e_per_s_map, 1, 1e-6);
  m->slow_lens = s->slow_lens != 0;
  m->follows_wavelength = s->follows_wavelength != 0;
  m->rotation_rad = s->rotation_rad;
  m->magnification = s->magnification;
  m->wavelength_pm = 1e3 * s->wavelength_nm;
}

static void build_light(odev_emulator_model *m, const odev_emulator_spec *s) {
  for (uint32_t i = 0; i < s->launch_steps; ++i)
    for (int part = 0; part < 2; ++part) m->launch[i][part] = (float)s->launch_gain[2 * i + (uint32_t)part];
  m->signal_rate = s->signal_rate_photons_per_us;
  m->reference_rate = s->reference_rate_photons_per_us;
  m->stray_rate = s->stray_rate_photons_per_us;
  memcpy(m->step_phase_rad, s->step_phase_rad, sizeof m->step_phase_rad);
  m->rin = (float)s->relative_intensity_noise;
  m->shot = s->shot_noise ? 1.0f : 0.0f;
  m->read_noise_e = (float)s->read_noise_e;
  m->read_variance_e2 = (float)(s->read_noise_e * s->read_noise_e);
  m->noise = s->poisson                                 ? ODEV_NOISE_POISSON
             : s->shot_noise || s->read_noise_e > 0 ? ODEV_NOISE_GAUSSIAN
                                                    : ODEV_NOISE_NONE;
  m->full_well_e = (float)fmin(s->full_well_e, 1e30);
  m->dn_per_e = (float)(1.0 / s->gain_e_per_dn);
  m->black_dn = (float)s->black_level_dn;
  m->dn_max = s->adc_bits ? (float)((1u << s->adc_bits) - 1u) : 0.0f;
  m->key[0] = (uint32_t)s->seed;
  m->key[1] = (uint32_t)(s->seed >> 32);
  m->write_ns = s->write_ns;
  m->settle_ns = s->settle_ns;
  m->readout_ns = s->readout_ns;
}

int odev_emulator_model_init(odev_emulator_model *m, const odev_emulator_spec *s) {
  memset(m, 0, sizeof *m);
  const odev_geometry g = m->geometry = odev_geometry_of((int)s->n);
  m->is_4f = s->layout == ODEV_LAYOUT_4F;
  m->reference_steps = (int)s->reference_steps;
  m->float_codes = s->dac_bits == 0;
  m->float_counts = s->adc_bits == 0;
  const size_t plain = odev_round_up(odev_plain_size(g)), halo = odev_round_up(odev_halo_size(g));
  const size_t lines = 4 * odev_round_up((size_t)g.n * ODEV_DAC_ROW) + (ODEV_MODES + 1) * odev_round_up((size_t)g.ld);
  odev_arena arena;
  if (odev_arena_init(&arena, 27 * plain + 16 * halo + lines)) return -1;
  m->storage = arena.storage;
  if (odev_fft_plan_init(&m->fft, g.n)) {
    odev_emulator_model_free(m);
    return -1;
  }
  build_dac(m, &arena, s);
  build_heaters(m, &arena, s);
  build_surroundings(m, &arena, s);
  build_optics(m, &arena, s);
  build_light(m, s);
  return 0;
}

void odev_emulator_model_free(odev_emulator_model *m) {
  odev_fft_plan_free(&m->fft);
  free(m->storage);
  m->storage = NULL;
}
