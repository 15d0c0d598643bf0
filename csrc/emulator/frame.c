/* frame.c - one frame through the physics, stage by stage. */
#include "frame.h"

#include <math.h>

double odev_chip_rise_k(const odev_emulator_model *m, const odev_moments *moments) {
  const double mw = m->is_4f ? fmax(moments->mode[0][0][0], moments->mode[1][0][0]) : moments->mode[0][0][0];
  return m->substrate_k_per_mw[0][0] * mw;
}

odev_theta_offset odev_theta_offset_of(const odev_emulator_model *m, odev_drift drift, const odev_moments *now,
                                       const odev_moments *before) {
  odev_theta_offset o = {
      .base = (float)(m->ambient_turns_per_k * drift.ambient_k - m->wavelength_turns_per_pm * drift.wavelength_pm),
      .per_row = (float)(m->ambient_turns_per_k * drift.gradient_row_k),
      .per_column = (float)(m->ambient_turns_per_k * drift.gradient_column_k)};
  const double memory = (double)m->memory;
  for (int chip = 0; chip <= m->is_4f; ++chip)
    for (int p = 0; p < ODEV_MODES; ++p)
      for (int q = 0; q < ODEV_MODES; ++q) {
        const double x = now->mode[chip][p][q], settled = x + memory * (before->mode[chip][p][q] - x);
        o.mode[chip][p][q] = (float)(m->ambient_turns_per_k * m->substrate_k_per_mw[p][q] * settled);
      }
  return o;
}

void odev_frame_last_lens(const odev_emulator_model *m, const odev_kernels *kernels, odev_workspace *w,
                          odev_drift drift) {
  if (!m->slow_lens) {
    kernels->fft2(&m->fft, w->re, w->im, w->transform);
    return;
  }
  const double chromatic = m->follows_wavelength ? 1 - drift.wavelength_pm / m->wavelength_pm : 1;
  odev_slow_lens_prepare(w->lens, m->geometry.n, m->magnification * chromatic, m->rotation_rad, w->tables);
  kernels->slow_lens(w->lens, w->re, w->im, w->transform);
}

void odev_frame_spectrum(const odev_emulator_model *m, const odev_kernels *kernels, odev_workspace *w, int now,
                         const odev_theta_offset *offset, odev_drift drift) {
  kernels->chip_field(m, w->phases[now], w->phases[now ^ 1], offset, w->re, w->im);
  if (m->is_4f) {
    kernels->fft2(&m->fft, w->re, w->im, w->transform);
    kernels->second_chip(m, w->phases[now], w->phases[now ^ 1], offset, w->re, w->im);
  }
  odev_frame_last_lens(m, kernels, w, drift);
}
