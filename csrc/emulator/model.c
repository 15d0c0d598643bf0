/* model.c - from fabrication values to planes the kernels read. */
#include "build.h"

#include <math.h>

#include "../kernels/planes.h"

static const double two_pi = 6.283185307179586476925286766559;

static int any_nonzero(const double *x, size_t count) {
  for (size_t i = 0; i < count; ++i)
    if (x[i] != 0) return 1;
  return 0;
}

/* static_theta, and both stages' phi added, in turns reduced to one. */
static const float *phase_plane(odev_arena *arena, odev_geometry g, const double *first,
                                const double *second) {
  float *const plane = odev_arena_take(arena, odev_plain_size(g));
  for (int r = 0; r < g.n; ++r)
    for (int c = 0; c < g.n; ++c) {
      const size_t at = (size_t)r * (size_t)g.n + (size_t)c;
      const double turns = (first[at] + (second ? second[at] : 0)) / two_pi;
      plane[r * g.ld + c] = (float)(turns - nearbyint(turns));
    }
  return plane;
}

static void build_heaters(odev_emulator_model *m, odev_arena *arena, const odev_emulator_spec *s) {
  const odev_geometry g = m->geometry;
  const size_t plane = (size_t)g.n * (size_t)g.n;
  m->has_crosstalk = any_nonzero(s->links, 16 * plane) || any_nonzero(s->partner, 2 * plane);
  double *turns = malloc(plane * sizeof *turns);
  for (int stage = 0; stage < 2; ++stage) {
    for (int heater = 0; heater < 2; ++heater) {
      const size_t at = (size_t)(2 * stage + heater);
      m->power_full_mw[stage][heater] = odev_plain_from(arena, g, s->power_full_mw + at * plane, 1, 1.0);
      m->slope4_per_mw[stage][heater] =
          odev_plain_from(arena, g, s->resistance_slope_per_mw + at * plane, 1, 4.0);
      for (size_t i = 0; turns && i < plane; ++i) turns[i] = 0.5 / s->p_pi_mw[at * plane + i];
      if (turns) m->turns_per_mw[stage][heater] = odev_plain_from(arena, g, turns, 1, 1.0);
      for (size_t d = 0; d < ODEV_LINKS; ++d)
        m->link[stage][heater][d] = odev_halo_from(arena, g, s->links + (ODEV_LINKS * at + d) * plane);
    }
    const size_t offset = (size_t)stage * plane;
    m->partner[stage] = odev_plain_from(arena, g, s->partner + offset, 1, 1.0);
    m->b0[stage] = odev_plain_from(arena, g, s->b0 + offset, 1, 1.0);
    m->b1[stage] = odev_plain_from(arena, g, s->b1 + offset, 1, 1.0);
    m->static_theta_turns[stage] = phase_plane(arena, g, s->static_phase_rad + 2 * offset, NULL);
  }
  m->static_phi_turns =
      phase_plane(arena, g, s->static_phase_rad + plane, s->static_phase_rad + 3 * plane);
  free(turns);
}

static void build_optics(odev_emulator_model *m, odev_arena *arena, const odev_emulator_spec *s) {
  const odev_geometry g = m->geometry;
  /* The lens is orthonormal; the transform is not. */
  const double lens = 1.0 / g.n;
  m->input_re = odev_plain_from(arena, g, s->input_map, 2, 1.0);
  m->input_im = odev_plain_from(arena, g, s->input_map + 1, 2, 1.0);
  m->output_re = odev_plain_from(arena, g, s->output_map, 2, lens);
  m->output_im = odev_plain_from(arena, g, s->output_map + 1, 2, lens);
  m->reference = odev_plain_from(arena, g, s->reference_map, 1, 1.0);
  m->responsivity_e = odev_plain_from(arena, g, s->qe_map, 1, 1.0);
  m->dark_e_per_us = odev_plain_from(arena, g, s->dark_e_per_s_map, 1, 1e-6);
}

static void build_scalars(odev_emulator_model *m, const odev_emulator_spec *s) {
  m->float_codes = s->dac_bits == 0;
  m->float_counts = s->adc_bits == 0;
  m->code_scale = s->dac_bits ? 1.0f / (float)((1u << s->dac_bits) - 1u) : 1.0f;
  m->memory = (float)s->transient_memory;
  m->ambient_turns_per_k = (float)(s->ambient_rad_per_k / two_pi);
  for (uint32_t i = 0; i < s->launch_steps; ++i)
    for (int part = 0; part < 2; ++part) m->launch[i][part] = (float)s->launch_gain[2 * i + (uint32_t)part];
  m->signal_rate = s->signal_rate_photons_per_us;
  m->reference_rate = s->reference_rate_photons_per_us;
  m->stray_rate = s->stray_rate_photons_per_us;
  memcpy(m->step_phase_rad, s->step_phase_rad, sizeof m->step_phase_rad);
  m->rin = (float)s->relative_intensity_noise;
  m->shot = s->shot_noise ? 1.0f : 0.0f;
  m->read_variance_e2 = (float)(s->read_noise_e * s->read_noise_e);
  m->has_noise = s->shot_noise || s->read_noise_e > 0;
  m->full_well_e = (float)fmin(s->full_well_e, 1e30);
  m->dn_per_e = (float)(1.0 / s->gain_e_per_dn);
  m->black_dn = (float)s->black_level_dn;
  m->dn_max = s->adc_bits ? (float)((1u << s->adc_bits) - 1u) : 0.0f;
  memcpy(m->drift_amplitude, s->drift_amplitude, sizeof m->drift_amplitude);
  memcpy(m->drift_omega, s->drift_omega_rad_per_s, sizeof m->drift_omega);
  memcpy(m->drift_phase, s->drift_phase_rad, sizeof m->drift_phase);
  m->key[0] = (uint32_t)s->seed;
  m->key[1] = (uint32_t)(s->seed >> 32);
  m->write_ns = s->write_ns;
  m->settle_ns = s->settle_ns;
  m->readout_ns = s->readout_ns;
}

int odev_emulator_model_init(odev_emulator_model *m, const odev_emulator_spec *s) {
  memset(m, 0, sizeof *m);
  const odev_geometry g = m->geometry = odev_geometry_of((int)s->n);
  const size_t plain = odev_round_up(odev_plain_size(g)), halo = odev_round_up(odev_halo_size(g));
  odev_arena arena;
  if (odev_arena_init(&arena, 28 * plain + 16 * halo)) return -1;
  m->storage = arena.storage;
  if (odev_fft_plan_init(&m->fft, g.n)) {
    odev_emulator_model_free(m);
    return -1;
  }
  build_heaters(m, &arena, s);
  if (!m->turns_per_mw[1][1]) {
    odev_emulator_model_free(m);
    return -1;
  }
  build_optics(m, &arena, s);
  build_scalars(m, s);
  return 0;
}

void odev_emulator_model_free(odev_emulator_model *m) {
  odev_fft_plan_free(&m->fft);
  free(m->storage);
  m->storage = NULL;
}
