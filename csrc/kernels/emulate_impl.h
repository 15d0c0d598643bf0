/* emulate_impl.h - one frame through the optics: phases to field, spectrum to counts.
 * docs/physics.md has the equations; optical_device/ is the readable form. */
#ifndef ODEV_EMULATE_IMPL_H
#define ODEV_EMULATE_IMPL_H

#include "../emulator/model.h"
#include "boundary_impl.h"
#include "fft_impl.h"
#include "philox.h"
#include "poisson.h"

/* What is added to theta along one row [turns]: the surroundings' plane and the substrate's modes. */
typedef struct {
  vf mode[ODEV_MODES], slope;
} offset_row;

INLINE offset_row offset_of_row(const odev_emulator_model *m, const odev_theta_offset *o, int chip, int r) {
  offset_row row = {.slope = vset(o->per_column)};
  for (int q = 0; q < ODEV_MODES; ++q) {
    float a = q ? 0.0f : o->base + o->per_row * m->ramp[r];
    for (int p = 0; p < ODEV_MODES; ++p) a += o->mode[chip][p][q] * m->cosine[p][r];
    row.mode[q] = vset(a);
  }
  return row;
}

INLINE vf offset_at(const odev_emulator_model *m, const offset_row *row, int c) {
  const vf modes = vfma(row->mode[2], vload(m->cosine[2] + c), row->mode[0]);
  return vfma(row->mode[1], vload(m->cosine[1] + c), vfma(row->slope, vload(m->ramp + c), modes));
}

/* A phase at the frame's exposures: of the steady ones now and before, (1 - e) now + e before. */
INLINE vf settled(vf memory, const float *now, const float *before, int at) {
  const vf x = vload(now + at);
  return vfma(memory, vload(before + at) - x, x);
}

/* b0 + b1 e^{i theta} of one stage, theta in turns. */
INLINE vc arms(const odev_emulator_model *m, int stage, int at, vf theta) {
  vf s, c;
  vsincos_turns(theta, &s, &c);
  const vf b1 = vload(m->b1[stage] + at);
  return (vc){vfma(b1, c, vload(m->b0[stage] + at)), b1 * s};
}

/* The field that leaves the chip, onto square planes: mft, A t_a t_b; 4f, A t_a. */
INLINE void chip_field_impl(const odev_emulator_model *m, float *const now[4], float *const before[4],
                            const odev_theta_offset *offset, float *re, float *im, int is_4f) {
  const odev_geometry g = m->geometry;
  const vf memory = vset(m->memory);
  for (int r = 0; r < g.n; ++r) {
    const offset_row row = offset_of_row(m, offset, 0, r);
    for (int c = 0; c < g.ld; c += W) {
      const int at = r * g.ld + c;
      const vf warm = offset_at(m, &row, c);
      vc field = arms(m, 0, at, settled(memory, now[0], before[0], at) + (vload(m->static_theta_turns[0] + at) + warm));
      if (!is_4f) {
        const vc b = arms(m, 1, at, settled(memory, now[1], before[1], at) + (vload(m->static_theta_turns[1] + at) + warm));
        field = vc_mul(field, b.re, b.im);
      }
      vf s, co;
      vsincos_turns(settled(memory, now[2], before[2], at) + vload(m->static_phi_turns[0] + at), &s, &co);
      field = vc_mul(field, co, s);
      vstore(re + at, field.re);
      vstore(im + at, field.im);
    }
  }
}

/* 4f: the field that falls on chip b, times H t_b, in place. */
INLINE void second_chip_impl(const odev_emulator_model *m, float *const now[4], float *const before[4],
                             const odev_theta_offset *offset, float *re, float *im) {
  const odev_geometry g = m->geometry;
  const vf memory = vset(m->memory);
  for (int r = 0; r < g.n; ++r) {
    const offset_row row = offset_of_row(m, offset, 1, r);
    for (int c = 0; c < g.ld; c += W) {
      const int at = r * g.ld + c;
      const vf theta = settled(memory, now[1], before[1], at) + (vload(m->static_theta_turns[1] + at) + offset_at(m, &row, c));
      const vc b = arms(m, 1, at, theta);
      vf s, co;
      vsincos_turns(settled(memory, now[3], before[3], at) + vload(m->static_phi_turns[1] + at), &s, &co);
      const vc t = vc_mul(b, co, s);
      const vc field = vc_mul((vc){vload(re + at), vload(im + at)}, t.re, t.im);
      vstore(re + at, field.re);
      vstore(im + at, field.im);
    }
  }
}

/* One exposure's light, spread over the lanes. */
typedef struct {
  vf launch_re, launch_im, ref_re[4], ref_im[4], gain[4], stray, exposure_us;
} light_lanes;

/* Mean electrons at the W pixels of index `at`, all steps. */
INLINE void mean_electrons(const odev_emulator_model *m, const light_lanes *l, int steps, int at, const float *re,
                           const float *im, vf mean[4]) {
  const vc out = vc_mul((vc){vload(re + at), vload(im + at)}, vload(m->output_re + at),
                        vload(m->output_im + at));
  const vc s = vc_mul(out, l->launch_re, l->launch_im);
  const vf ref = vload(m->reference + at);
  const vf dark = l->exposure_us * vfma(l->stray, vload(m->responsivity_e + at), vload(m->dark_e_per_us + at));
  for (int k = 0; k < steps; ++k) {
    const vf x = vfma(ref, l->ref_re[k], s.re);
    const vf y = vfma(ref, l->ref_im[k], s.im);
    mean[k] = vfma(vfma(y, y, x * x), l->gain[k], dark);
  }
}

/* Shot noise of the exact distribution, and read noise: min(X + sigma n, full well). */
INLINE vf poisson_electrons(const odev_emulator_model *m, vf mean, vu word, vf normal) {
  vf x;
  for (int i = 0; i < W; ++i) x[i] = (float)odev_poisson_electrons((double)mean[i], word[i]);
  return vfma(vset(m->read_noise_e), normal, x);
}

/* Random numbers of a few rows at a time: as many as stay in the first-level cache beside the planes. */
enum { DRAW_PIXELS = ODEV_MAX_N };
typedef struct {
  uint32_t words[4][DRAW_PIXELS];
  float normals[4][DRAW_PIXELS];
} draws;

/* Words of `rows` rows from row r on, one exposure: the pixels' counters in `stream`. */
INLINE void draw_words(const odev_emulator_model *m, const odev_exposure_light *l, uint32_t stream, int r, int rows,
                       draws *d) {
  const odev_geometry g = m->geometry;
  const uint32_t low = (uint32_t)l->frame, high = (uint32_t)(l->frame >> 32), last = stream + 256u * l->exposure_index;
  /* Rows that fill their vectors are one long row. */
  const int runs = g.n == g.ld ? 1 : rows, length = g.n == g.ld ? rows * g.ld : g.ld;
  for (int i = 0; i < runs; ++i)
    for (int c = 0; c < length; c += W) {
      vu w[4];
      philox4x32_7(vset_u((uint32_t)((r + i) * g.n + c)) + vlane_index(), low, high, last, m->key[0], m->key[1], w);
      for (int k = 0; k < 4; ++k) memcpy(d->words[k] + i * g.ld + c, &w[k], sizeof w[k]);
    }
}

/* The words' normals, of the first `steps` steps. */
INLINE void draw_normals(draws *d, int pixels, int steps) {
  for (int k = 0; k < steps; k += 2)
    for (int at = 0; at < pixels; at += W) {
      vu w[2];
      vf n[2];
      memcpy(&w[0], d->words[k] + at, sizeof w[0]);
      memcpy(&w[1], d->words[k + 1] + at, sizeof w[1]);
      box_muller(w[0], w[1], &n[0], &n[1]);
      vstore(d->normals[k] + at, n[0]);
      vstore(d->normals[k + 1] + at, n[1]);
    }
}

/* One exposure of a spectrum: counts[step][N][N].  Callers give `steps` and `noise` as constants, so that
 * the loops unroll. */
INLINE void detect_impl(const odev_emulator_model *m, const odev_exposure_light *l, int steps, odev_noise noise,
                        const float *re, const float *im, void *counts) {
  const odev_geometry g = m->geometry;
  const size_t plane = (size_t)g.n * (size_t)g.n, size = m->float_counts ? 4 : 2;
  draws d;
  const int at_once = DRAW_PIXELS / g.ld;
  light_lanes lanes = {vset(l->launch_re), vset(l->launch_im), .stray = vset(l->stray),
                       .exposure_us = vset(l->exposure_us)};
  for (int k = 0; k < steps; ++k) {
    lanes.ref_re[k] = vset(l->reference_re[k]);
    lanes.ref_im[k] = vset(l->reference_im[k]);
    lanes.gain[k] = vset(l->laser_noise[k] * l->exposure_us);
  }
  const vf gain = vset(m->dn_per_e), black = vset(m->black_dn), full = vfma(vset(m->full_well_e), gain, black);
  const vf top = m->float_counts ? full : vmin(full, vset(m->dn_max));
  for (int r = 0; r < g.n; ++r) {
    const int drawn = r % at_once * g.ld, rows = g.n - r < at_once ? g.n - r : at_once;
    if (noise == ODEV_NOISE_GAUSSIAN && drawn == 0) {
      draw_words(m, l, ODEV_STREAM_CAMERA, r, rows, &d);
      draw_normals(&d, rows * g.ld, steps);
    }
    if (noise == ODEV_NOISE_POISSON && drawn == 0) {
      draw_words(m, l, ODEV_STREAM_READ, r, rows, &d);
      draw_normals(&d, rows * g.ld, steps);
      draw_words(m, l, ODEV_STREAM_CAMERA, r, rows, &d);
    }
    for (int c = 0; c < g.n; c += W) {
      vf electrons[4];
      mean_electrons(m, &lanes, steps, r * g.ld + c, re, im, electrons);
      for (int k = 0; k < steps; ++k) {
        if (noise == ODEV_NOISE_GAUSSIAN) {
          const vf variance = vfma(vset(m->shot), electrons[k], vset(m->read_variance_e2));
          electrons[k] = vfma(vsqrt(variance), vload(d.normals[k] + drawn + c), electrons[k]);
        }
        if (noise == ODEV_NOISE_POISSON) {
          vu w;
          memcpy(&w, d.words[k] + drawn + c, sizeof w);
          electrons[k] = poisson_electrons(m, electrons[k], w, vload(d.normals[k] + drawn + c));
        }
        const odev_plane out = {(char *)counts + (size_t)k * plane * size, m->float_counts, g.n};
        vf dn = vmin(vfma(electrons[k], gain, black), top);
        if (!m->float_counts) dn = vmax(dn, vset(0.0f));
        plane_store(out, r, c, dn);
      }
    }
  }
}

#endif
