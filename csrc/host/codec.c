/* codec.c - from a calibration to planes the kernels read. */
#include "codec.h"

#include <math.h>

#include "../kernels/planes.h"
#include "held_phase.h"

static const double two_pi = 6.283185307179586476925286766559;

static const float *map_plane(odev_arena *arena, odev_geometry g, const double *source, double (*map)(double)) {
  float *const plane = odev_arena_take(arena, odev_plain_size(g));
  for (int r = 0; r < g.n; ++r)
    for (int c = 0; c < g.n; ++c) plane[r * g.ld + c] = (float)map(source[(size_t)r * (size_t)g.n + (size_t)c]);
  return plane;
}

static const float *per_full_plane(odev_arena *arena, const odev_codec *k, const double *power_full_mw) {
  const odev_geometry g = k->geometry;
  const double codes2 = (double)k->code_max * (double)k->code_max;
  float *const plane = odev_arena_take(arena, odev_plain_size(g));
  for (int r = 0; r < g.n; ++r)
    for (int c = 0; c < g.n; ++c)
      plane[r * g.ld + c] = (float)(codes2 / power_full_mw[(size_t)r * (size_t)g.n + (size_t)c]);
  return plane;
}

static double half_over(double x) { return 0.5 / x; }
static double per_reach2(double rho) { return 1 / ((1 + rho) * (1 + rho)); }
static double two_pi_over(double x) { return two_pi / x; }

/* 1 / source, complex, onto two planes; infinite where the source is 0 would poison, so 0 there. */
static void inverse_planes(odev_arena *arena, odev_geometry g, const double *source, double factor,
                           const float **re, const float **im) {
  float *const a = odev_arena_take(arena, odev_plain_size(g));
  float *const b = odev_arena_take(arena, odev_plain_size(g));
  for (int r = 0; r < g.n; ++r)
    for (int c = 0; c < g.n; ++c) {
      const double *x = source + 2 * ((size_t)r * (size_t)g.n + (size_t)c);
      const double norm = x[0] * x[0] + x[1] * x[1];
      if (norm > 0) {
        a[r * g.ld + c] = (float)(factor * x[0] / norm);
        b[r * g.ld + c] = (float)(-factor * x[1] / norm);
      }
    }
  *re = a;
  *im = b;
}

/* Sum of the second ring's coefficients that lie inside the grid. */
static double ring_inside(const odev_codec *k, ptrdiff_t r, ptrdiff_t c) {
  double sum = 0;
  for (ptrdiff_t i = -2; k->has_ring && i <= 2; ++i)
    for (ptrdiff_t j = -2; j <= 2; ++j) {
      const ptrdiff_t far = i * i + j * j;
      if (far < 4 || r + i < 0 || r + i >= k->geometry.n || c + j < 0 || c + j >= k->geometry.n) continue;
      sum += (double)k->ring[far == 4 ? 0 : far == 5 ? 1 : 2];
    }
  return sum;
}

/* 1 / (1 + sum of the couplings that reach a heater). */
static const float *jacobi_plane(odev_arena *arena, const odev_codec *k, int stage, int heater) {
  const odev_geometry g = k->geometry;
  const float *const *link = k->link[stage][heater];
  float *const plane = odev_arena_take(arena, odev_plain_size(g));
  for (ptrdiff_t r = 0; r < g.n; ++r)
    for (ptrdiff_t c = 0; c < g.n; ++c) {
      const ptrdiff_t at = r * g.pitch + c, up = at - g.pitch;
      double sum = 1 + (double)k->partner[stage][r * g.ld + c] + ring_inside(k, r, c);
      for (int d = 0; d < ODEV_LINKS; ++d) sum += (double)link[d][at];
      sum += (double)link[ODEV_LINK_E][at - 1] + (double)link[ODEV_LINK_S][up] +
             (double)link[ODEV_LINK_SE][up - 1] + (double)link[ODEV_LINK_SW][up + 1];
      plane[r * g.ld + c] = (float)(1 / sum);
    }
  return plane;
}

/* Mean of the first `rows` x `columns` from column `first` on: links to a neighbour outside are zero. */
static double mean_of(const double *plane, int n, int rows, int first, int columns) {
  double sum = 0;
  for (int r = 0; r < rows; ++r)
    for (int c = first; c < first + columns; ++c) sum += plane[(size_t)r * (size_t)n + (size_t)c];
  return rows * columns > 0 ? sum / (rows * columns) : 0;
}

static void mean_links(float mean[3], const double *links, const double *partner, int n) {
  const size_t plane = (size_t)n * (size_t)n;
  const double east = mean_of(links + ODEV_LINK_E * plane, n, n, 0, n - 1);
  const double south = mean_of(links + ODEV_LINK_S * plane, n, n - 1, 0, n);
  const double south_east = mean_of(links + ODEV_LINK_SE * plane, n, n - 1, 0, n - 1);
  const double south_west = mean_of(links + ODEV_LINK_SW * plane, n, n - 1, 1, n - 1);
  mean[0] = (float)((east + south) / 2);
  mean[1] = (float)((south_east + south_west) / 2);
  mean[2] = (float)mean_of(partner, n, n, 0, n);
}

static void mean_sums(odev_arena *arena, odev_geometry g, const float mean[3], const float *sums[3]) {
  for (int kind = 0; kind < 3; ++kind) {
    float *const row = odev_arena_take(arena, (size_t)g.ld);
    for (int c = 0; c < g.n; ++c) {
      const int across = (c > 0) + (c < g.n - 1), down = g.n == 1 ? 0 : kind == 1 ? 2 : 1;
      row[c] = 1 + (float)(across + down) * mean[0] + (float)(across * down) * mean[1] + mean[2];
    }
    sums[kind] = row;
  }
}

/* The substrate: which moments a frame of heaters in mid-window has, how much less power theta takes where it
 * is warmer, and so what the moments of a first estimate say of the warmth. */
static void build_substrate(odev_codec *k, odev_arena *arena, const odev_calibration *s) {
  const odev_geometry g = k->geometry;
  double gives_way[2][ODEV_CODEC_MODES][ODEV_CODEC_MODES] = {{{0}}};
  for (int p = 0; p < ODEV_CODEC_MODES; ++p) {
    float *const wave = odev_arena_take(arena, (size_t)g.ld);
    for (int r = 0; r < g.n; ++r) wave[r] = (float)cos(two_pi / 2 * p * (r + 0.5) / g.n);
    k->cosine[p] = wave;
  }
  for (int i = 0; i < 9; ++i) k->has_substrate |= s->substrate_rad_per_mw[i] != 0;
  if (!k->has_substrate) return;
  for (int r = 0; r < g.n; ++r)
    for (int c = 0; c < g.n; ++c) {
      double power[2] = {0, 0}, theta[2] = {0, 0}; /* by chip */
      for (int h = 0; h < 4; ++h) {
        const int at = r * g.ld + c, chip = k->is_4f ? h >> 1 : 0;
        const double own = (double)k->mw_per_turn[h >> 1][h & 1][at] * (double)k->jacobi_start[h >> 1][h & 1][at];
        power[chip] += ODEV_MIDDLE_TURNS * own;
        if (!(h & 1)) theta[chip] += own;
      }
      for (int chip = 0; chip <= k->is_4f; ++chip)
        for (int p = 0; p < ODEV_CODEC_MODES; ++p)
          for (int q = 0; q < ODEV_CODEC_MODES; ++q) {
            const double wave = (double)k->cosine[p][r] * (double)k->cosine[q][c];
            k->usual_mw[chip][p][q] += wave * power[chip];
            gives_way[chip][p][q] += wave * wave * theta[chip];
          }
    }
  for (int p = 0; p < ODEV_CODEC_MODES; ++p)
    for (int q = 0; q < ODEV_CODEC_MODES; ++q) {
      k->warmth[p][q] = s->substrate_rad_per_mw[3 * p + q] / two_pi;
      /* A chip that cools where it is heated is none; but nothing is divided by 0 for it. */
      for (int chip = 0; chip <= k->is_4f; ++chip)
        k->response[chip][p][q] = k->warmth[p][q] / fmax(1 + k->warmth[p][q] * gives_way[chip][p][q], 0.1);
    }
  for (int stage = 0; stage < 2; ++stage) {
    float *const theta0 = (float *)(uintptr_t)k->theta0_turns[stage];
    for (int r = 0; r < g.n; ++r)
      for (int c = 0; c < g.n; ++c) {
        double turns = s->theta0_rad[((size_t)stage * (size_t)g.n + (size_t)r) * (size_t)g.n + (size_t)c] / two_pi;
        for (int i = 0; i < 9; ++i)
          turns += k->warmth[i / 3][i % 3] * k->usual_mw[k->is_4f ? stage : 0][i / 3][i % 3] * (double)k->cosine[i / 3][r] *
                   (double)k->cosine[i % 3][c];
        theta0[r * g.ld + c] = (float)turns;
      }
  }
}

static void build_heaters(odev_codec *k, odev_arena *arena, const odev_calibration *s) {
  const odev_geometry g = k->geometry;
  const size_t plane = (size_t)g.n * (size_t)g.n;
  const double many[3] = {4, 8, 4};
  for (int i = 0; i < 3; ++i) {
    k->ring[i] = (float)s->ring[i];
    k->ring_sum += (float)(many[i] * s->ring[i]);
    k->has_ring |= s->ring[i] != 0;
  }
  k->has_crosstalk |= k->has_ring;
  for (size_t i = 0; i < 16 * plane; ++i) k->has_crosstalk |= s->links[i] != 0;
  for (size_t i = 0; i < 2 * plane; ++i) k->has_crosstalk |= s->partner[i] != 0;
  for (size_t stage = 0; stage < 2; ++stage) {
    k->rho[stage] = odev_plain_from(arena, g, s->rho + stage * plane, 1, 1.0);
    k->half_over_rho[stage] = map_plane(arena, g, s->rho + stage * plane, half_over);
    k->per_reach2[stage] = map_plane(arena, g, s->rho + stage * plane, per_reach2);
    k->theta0_turns[stage] = odev_plain_from(arena, g, s->theta0_rad + stage * plane, 1, 1 / two_pi);
    k->partner[stage] = odev_plain_from(arena, g, s->partner + stage * plane, 1, 1.0);
    for (size_t heater = 0; heater < 2; ++heater) {
      const size_t at = 2 * stage + heater;
      k->mw_per_turn[stage][heater] = map_plane(arena, g, s->kappa_rad_per_mw + at * plane, two_pi_over);
      k->turns_per_mw[stage][heater] =
          odev_plain_from(arena, g, s->kappa_rad_per_mw + at * plane, 1, 1 / two_pi);
      k->power_full_mw[stage][heater] = odev_plain_from(arena, g, s->power_full_mw + at * plane, 1, 1.0);
      k->per_power_full[stage][heater] = per_full_plane(arena, k, s->power_full_mw + at * plane);
      k->slope_per_mw[stage][heater] = odev_plain_from(arena, g, s->beta_per_mw + at * plane, 1, 1.0);
      for (size_t d = 0; d < ODEV_LINKS; ++d)
        k->link[stage][heater][d] = odev_halo_from(arena, g, s->links + (ODEV_LINKS * at + d) * plane);
      mean_links(k->mean_links[stage][heater], s->links + ODEV_LINKS * at * plane, s->partner + stage * plane, g.n);
      mean_sums(arena, g, k->mean_links[stage][heater], k->mean_sums[stage][heater]);
      k->jacobi_start[stage][heater] = jacobi_plane(arena, k, (int)stage, (int)heater);
    }
  }
}

/* The lens between the stages: what stage b divides its target by. */
static void build_middle(odev_codec *k, odev_arena *arena, const odev_calibration *s) {
  const odev_geometry g = k->geometry;
  float *const wave = odev_arena_take(arena, (size_t)g.ld);
  for (int u = 0; u < g.n; ++u) wave[u] = (float)cos(two_pi * u / g.n);
  k->wave = wave;
  inverse_planes(arena, g, s->middle_map, 1.0, &k->inverse_middle_re, &k->inverse_middle_im);
}

static void build_detection(odev_codec *k, const odev_calibration *s) {
  const size_t plane = (size_t)k->geometry.n * (size_t)k->geometry.n;
  k->leak_re = (float)s->conjugate_leak[0];
  k->leak_im = (float)s->conjugate_leak[1];
  k->leak_norm = (float)(1 / (1 - s->conjugate_leak[0] * s->conjugate_leak[0] -
                              s->conjugate_leak[1] * s->conjugate_leak[1]));
  k->launch_steps = (int)s->launch_steps;
  for (uint32_t i = 0; i < s->launch_steps; ++i) {
    const double re = s->launch_gain[2 * i], im = s->launch_gain[2 * i + 1], power = re * re + im * im;
    k->launch_power[i] = (float)power;
    k->launch_inverse[i][0] = (float)(re / power);
    k->launch_inverse[i][1] = (float)(-im / power);
  }
  k->black_dn = (float)s->black_dn;
  k->saturation_dn = (float)fmin(s->saturation_dn, 1e30);
  k->gain_e_per_dn = (float)s->gain_e_per_dn;
  k->read_variance_dn2 = (float)(s->read_noise_dn * s->read_noise_dn);

  double peak = 0, input = 0;
  for (size_t i = 0; i < plane; ++i) {
    peak = fmax(peak, hypot(s->output_map[2 * i], s->output_map[2 * i + 1]));
    input += s->input_map[2 * i] * s->input_map[2 * i] + s->input_map[2 * i + 1] * s->input_map[2 * i + 1];
  }
  k->output_peak = (float)peak;
  k->input_power = (float)(input / (double)plane);
  /* In roots of DN: signal + reference <= root of saturation; Y = signal * reference. */
  const double reference = sqrt(fmax(s->reference_dn - s->black_dn, 0));
  const double most = sqrt(fmax(fmin(s->saturation_dn, 1e30) - s->black_dn, 0));
  k->amplitude_limit = (float)(reference * fmax(most - reference, 0.1 * most));
}

int odev_codec_init(odev_codec *k, const odev_caps *caps, const odev_calibration *s) {
  memset(k, 0, sizeof *k);
  const odev_geometry g = k->geometry = odev_geometry_of((int)caps->n);
  const size_t plane = (size_t)g.n * (size_t)g.n;
  k->float_codes = caps->dac_bits == 0;
  k->float_counts = caps->adc_bits == 0;
  k->steps = (int)caps->reference_steps;
  k->is_4f = caps->layout == ODEV_LAYOUT_4F;
  k->code_max = caps->dac_bits ? (float)((1u << caps->dac_bits) - 1u) : 1.0f;

  const size_t plain = odev_round_up(odev_plain_size(g)), halo = odev_round_up(odev_halo_size(g));
  odev_arena arena;
  if (odev_arena_init(&arena, 46 * plain + 17 * halo + 16 * odev_round_up((size_t)g.ld))) return -1;
  k->storage = arena.storage;
  build_heaters(k, &arena, s);
  build_substrate(k, &arena, s);
  if (odev_hold_phi_b(k, &arena)) {
    odev_codec_free(k);
    return -1;
  }
  inverse_planes(&arena, g, s->input_map, 1.0, &k->inverse_input_re, &k->inverse_input_im);
  if (k->is_4f) build_middle(k, &arena, s);
  inverse_planes(&arena, g, s->output_map, 1.0, &k->inverse_output_re, &k->inverse_output_im);
  build_detection(k, s);
  if (k->steps == 3) k->reference_dn = odev_plain_from(&arena, g, s->reference_plane_dn, 1, 1.0);
  if (s->pilot_spectrum && s->pilot_codes) {
    const size_t bytes = 4 * plane * (k->float_codes ? 4 : 2);
    k->pilot_codes = malloc(bytes);
    if (!k->pilot_codes) {
      odev_codec_free(k);
      return -1;
    }
    memcpy(k->pilot_codes, s->pilot_codes, bytes);
    k->pilot_launch_step = (uint8_t)s->pilot_launch_step;
    k->pilot_re = odev_plain_from(&arena, g, s->pilot_spectrum, 2, 1.0);
    k->pilot_im = odev_plain_from(&arena, g, s->pilot_spectrum + 1, 2, 1.0);
  }
  return 0;
}

void odev_codec_free(odev_codec *k) {
  free(k->pilot_codes);
  free(k->held_codes);
  free(k->storage);
  memset(k, 0, sizeof *k);
}

size_t odev_encode_scratch_size(int n) {
  const odev_geometry g = odev_geometry_of(n);
  return 10 * odev_round_up(odev_plain_size(g)) + 4 * odev_round_up(odev_halo_size(g)) +
         4 * odev_round_up(odev_recent_size(g)) + odev_round_up((size_t)g.ld);
}

uint8_t odev_launch_step_for(const odev_codec *k, float peak) {
  const double most = (double)peak * (double)k->output_peak * (double)k->output_peak;
  const double limit = (double)k->amplitude_limit * (double)k->amplitude_limit;
  for (int step = 0; step < k->launch_steps; ++step)
    if (most * (double)k->launch_power[step] <= limit) return (uint8_t)step;
  return (uint8_t)(k->launch_steps - 1);
}
