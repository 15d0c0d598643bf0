/* emulate_impl.h - one frame through the physics: codes to field, field to spectrum, spectrum to
 * counts.  docs/physics.md has the equations; optical_device/ is the readable form. */
#ifndef ODEV_EMULATE_IMPL_H
#define ODEV_EMULATE_IMPL_H

#include "../emulator/model.h"
#include "boundary_impl.h"
#include "crosstalk_impl.h"
#include "fft_impl.h"
#include "philox.h"

/* Heater powers of one frame, onto four halo planes whose borders are zero. */
INLINE void heater_powers_impl(const odev_emulator_model *m, const void *codes, float *power[4]) {
  const odev_geometry g = m->geometry;
  const size_t plane = (size_t)g.n * (size_t)g.n, size = m->float_codes ? 4 : 2;
  for (int h = 0; h < 4; ++h) {
    const odev_plane code = {(char *)(uintptr_t)codes + (size_t)h * plane * size, m->float_codes, g.n};
    const float *full = m->power_full_mw[h >> 1][h & 1], *slope4 = m->slope4_per_mw[h >> 1][h & 1];
    for (int r = 0; r < g.n; ++r)
      for (int c = 0; c < g.ld; c += W) {
        const int at = r * g.ld + c;
        const vf u = plane_load(code, r, c) * vset(m->code_scale);
        const vf cold = vload(full + at) * (u * u);
        /* P = V^2 / (R0 (1 + beta P)), solved for P. */
        const vf root = vsqrt(vfma(vload(slope4 + at), cold, vset(1.0f)));
        vstore(power[h] + r * g.pitch + c, (cold + cold) / (vset(1.0f) + root));
      }
  }
}

/* Steady-state phases in turns: theta of stage a, theta of stage b, and the sum of both phi. */
INLINE void steady_phases_impl(const odev_emulator_model *m, float *const power[4], float *turns[3]) {
  const odev_geometry g = m->geometry;
  float heat[4][ODEV_MAX_N];
  for (int r = 0; r < g.n; ++r) {
    const int at = r * g.ld;
    for (int h = 0; h < 4; ++h) {
      stencil_row row = stencil_begin(m->link[h >> 1][h & 1], power[h], r, g.pitch);
      const float *partner = m->partner[h >> 1] + at, *other = power[h ^ 1] + (ptrdiff_t)r * g.pitch;
      for (int c = 0; c < g.ld; c += W) {
        vf q = vload(row.here + c);
        if (m->has_crosstalk) q = q + vfma(vload(partner + c), vload(other + c), neighbour_heat(&row, c));
        vstore(heat[h] + c, q);
      }
    }
    for (int c = 0; c < g.ld; c += W) {
      vstore(turns[0] + at + c, vload(heat[0] + c) * vload(m->turns_per_mw[0][0] + at + c));
      vstore(turns[1] + at + c, vload(heat[2] + c) * vload(m->turns_per_mw[1][0] + at + c));
      vstore(turns[2] + at + c, vfma(vload(heat[3] + c), vload(m->turns_per_mw[1][1] + at + c),
                                     vload(heat[1] + c) * vload(m->turns_per_mw[0][1] + at + c)));
    }
  }
}

/* The field that leaves the chip, onto square planes; `now` and `before` are steady phases. */
INLINE void chip_field_impl(const odev_emulator_model *m, float *const now[3], float *const before[3],
                            float ambient_turns, float *re, float *im) {
  const odev_geometry g = m->geometry;
  const vf memory = vset(m->memory);
  for (int r = 0; r < g.n; ++r)
    for (int c = 0; c < g.ld; c += W) {
      const int at = r * g.ld + c;
      vf phase[3];
      for (int i = 0; i < 3; ++i) {
        const vf x = vload(now[i] + at);
        phase[i] = vfma(memory, vload(before[i] + at) - x, x);
      }
      vf tr[2], ti[2], s, co;
      for (int i = 0; i < 2; ++i) {
        const vf offset = vload(m->static_theta_turns[i] + at) + vset(ambient_turns);
        vsincos_turns(phase[i] + offset, &s, &co);
        tr[i] = vfma(vload(m->b1[i] + at), co, vload(m->b0[i] + at));
        ti[i] = vload(m->b1[i] + at) * s;
      }
      vsincos_turns(phase[2] + vload(m->static_phi_turns + at), &s, &co);
      const vc chip = vc_mul((vc){tr[0], ti[0]}, tr[1], ti[1]);
      const vc turned = vc_mul(chip, co, s);
      const vc field = vc_mul(turned, vload(m->input_re + at), vload(m->input_im + at));
      vstore(re + at, field.re);
      vstore(im + at, field.im);
    }
}

/* Mean electrons at the W pixels of index `at`, one exposure, all steps. */
INLINE void mean_electrons(const odev_emulator_model *m, const odev_exposure_light *l, int steps, int at,
                           const float *re, const float *im, vf mean[4]) {
  const vc out = vc_mul((vc){vload(re + at), vload(im + at)}, vload(m->output_re + at),
                        vload(m->output_im + at));
  const vc s = vc_mul(out, vset(l->launch_re), vset(l->launch_im));
  const vf ref = vload(m->reference + at);
  const vf gain = vload(m->responsivity_e + at) * vset(l->exposure_us);
  const vf dark = vload(m->dark_e_per_us + at) * vset(l->exposure_us);
  for (int k = 0; k < steps; ++k) {
    const vf x = vfma(ref, vset(l->reference_re[k]), s.re);
    const vf y = vfma(ref, vset(l->reference_im[k]), s.im);
    const vf intensity = vfma(vfma(y, y, x * x), vset(l->laser_noise[k]), vset(l->stray));
    mean[k] = vfma(intensity, gain, dark);
  }
}

/* One exposure of a spectrum: counts[step][N][N].  Callers give `steps` and `noisy` as constants, so
 * that the loops unroll. */
INLINE void detect_impl(const odev_emulator_model *m, const odev_exposure_light *l, int steps, int noisy,
                        const float *re, const float *im, void *counts) {
  const odev_geometry g = m->geometry;
  const size_t plane = (size_t)g.n * (size_t)g.n, size = m->float_counts ? 4 : 2;
  for (int r = 0; r < g.n; ++r)
    for (int c = 0; c < g.n; c += W) {
      vf electrons[4];
      mean_electrons(m, l, steps, r * g.ld + c, re, im, electrons);
      if (noisy) {
        vu w[4] = {vset_u((uint32_t)(r * g.n + c)) + vlane_index(), vset_u((uint32_t)l->frame),
                   vset_u((uint32_t)(l->frame >> 32)),
                   vset_u(ODEV_STREAM_CAMERA + 256u * l->exposure_index)};
        philox4x32_7(w, m->key[0], m->key[1]);
        vf n[4];
        box_muller(w[0], w[1], &n[0], &n[1]);
        if (steps > 2) box_muller(w[2], w[3], &n[2], &n[3]);
        for (int k = 0; k < steps; ++k) {
          const vf variance = vfma(vset(m->shot), electrons[k], vset(m->read_variance_e2));
          electrons[k] = vfma(vsqrt(variance), n[k], electrons[k]);
        }
      }
      for (int k = 0; k < steps; ++k) {
        const odev_plane out = {(char *)counts + (size_t)k * plane * size, m->float_counts, g.n};
        vf dn = vfma(vmin(electrons[k], vset(m->full_well_e)), vset(m->dn_per_e), vset(m->black_dn));
        if (!m->float_counts) dn = vround(vmin(vmax(dn, vset(0.0f)), vset(m->dn_max)));
        plane_store(out, r, c, dn);
      }
    }
}

#endif
