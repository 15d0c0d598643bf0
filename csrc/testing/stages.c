/* stages.c - the kernels, called one by one. */
#include "stages.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../core/error.h"
#include "../emulator/build.h"
#include "../emulator/frame.h"

static const odev_kernels *find(const char *name) {
  const odev_kernels *k = odev_kernels_by_name(name);
  if (!k) odev_fail(ODEV_ERR_CAPABILITY, "this processor does not run the '%s' kernels", name);
  return k;
}

static void gather(odev_geometry g, const float *plane, int pitch, float *out, size_t stride) {
  if (!out) return;
  for (int r = 0; r < g.n; ++r)
    for (int c = 0; c < g.n; ++c) out[((size_t)r * (size_t)g.n + (size_t)c) * stride] = plane[r * pitch + c];
}

static void gather_complex(odev_geometry g, const float *re, const float *im, float *out) {
  gather(g, re, g.ld, out, 2);
  gather(g, im, g.ld, out ? out + 1 : NULL, 2);
}

static void run_stages(const odev_emulator_model *m, const odev_kernels *k, const odev_block *block,
                       float *scratch, const odev_stage_outputs *out) {
  const odev_geometry g = m->geometry;
  const size_t plane = (size_t)g.n * (size_t)g.n;
  odev_workspace w = odev_workspace_of(m, scratch);
  odev_moments moments[2];

  if (out->power_mw) {
    k->heater_powers(m, block->codes, (float *[4]){w.phases[0][0], w.phases[0][1], w.phases[0][2], w.phases[1][0]});
    for (size_t h = 0; h < 4; ++h) gather(g, w.phases[h / 3][h % 3], g.ld, out->power_mw + h * plane, 1);
  }
  k->steady_phases(m, block->previous_codes, w.rows, w.phases[0], &moments[0]);
  k->steady_phases(m, block->codes, w.rows, w.phases[1], &moments[1]);
  for (size_t i = 0; out->phase_turns && i < (m->is_4f ? 4 : 3); ++i)
    gather(g, w.phases[1][i], g.ld, out->phase_turns + i * plane, 1);
  if (out->moments_mw) memcpy(out->moments_mw, moments[1].mode, sizeof moments[1].mode);
  const odev_drift drift = odev_drift_at(m, block->start_ns);
  const odev_theta_offset offset = odev_theta_offset_of(m, drift, &moments[1], &moments[0]);
  k->chip_field(m, w.phases[1], w.phases[0], &offset, w.re, w.im);
  gather_complex(g, w.re, w.im, out->field);
  odev_frame_spectrum(m, k, &w, 1, &offset, drift);
  gather_complex(g, w.re, w.im, out->spectrum);
}

/* A model, and room for one thread to work in. */
typedef struct {
  odev_emulator_model model;
  odev_arena arena;
} bench;

static odev_status bench_init(bench *b, const odev_emulator_spec *spec) {
  if (odev_emulator_model_init(&b->model, spec)) return odev_fail(ODEV_ERR_MEMORY, "out of memory");
  if (!odev_arena_init(&b->arena, odev_workspace_floats(&b->model))) return ODEV_OK;
  odev_emulator_model_free(&b->model);
  return odev_fail(ODEV_ERR_MEMORY, "out of memory");
}

static void bench_free(bench *b) {
  free(b->arena.storage);
  odev_emulator_model_free(&b->model);
}

odev_status odev_stages_run(const odev_emulator_spec *spec, const char *kernels, const odev_block *block,
                            const odev_stage_outputs *out) {
  const odev_kernels *k = find(kernels);
  if (!k) return ODEV_ERR_CAPABILITY;
  bench b;
  const odev_status status = bench_init(&b, spec);
  if (status != ODEV_OK) return status;
  run_stages(&b.model, k, block, b.arena.storage, out);
  bench_free(&b);
  return ODEV_OK;
}

static double seconds_since(const struct timespec *start) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)(now.tv_sec - start->tv_sec) + 1e-9 * (double)(now.tv_nsec - start->tv_nsec);
}

#define TIMED(stage, call)                      \
  do {                                          \
    struct timespec start_;                     \
    clock_gettime(CLOCK_MONOTONIC, &start_);    \
    call;                                       \
    seconds[stage] += seconds_since(&start_);   \
  } while (0)

static void time_stages(const odev_emulator_model *m, const odev_kernels *k, const odev_block *block, float *scratch,
                        double seconds[ODEV_STAGES]) {
  const size_t code_bytes = 4 * (size_t)m->geometry.n * (size_t)m->geometry.n * (m->float_codes ? 4 : 2);
  odev_workspace w = odev_workspace_of(m, scratch);
  odev_moments moments[2];
  memset(seconds, 0, ODEV_STAGES * sizeof *seconds);
  memset(moments, 0, sizeof moments);
  for (uint32_t i = 0; i < block->frames; ++i) {
    const int now = i & 1;
    const char *codes = (const char *)block->codes + i * code_bytes;
    TIMED(ODEV_STAGE_HEAT, k->steady_phases(m, codes, w.rows, w.phases[now], &moments[now]));
    const odev_drift drift = odev_drift_at(m, block->start_ns);
    const odev_theta_offset offset = odev_theta_offset_of(m, drift, &moments[now], &moments[now ^ 1]);
    TIMED(ODEV_STAGE_FIELD, k->chip_field(m, w.phases[now], w.phases[now ^ 1], &offset, w.re, w.im));
    if (m->is_4f) {
      TIMED(ODEV_STAGE_LENS, k->fft2(&m->fft, w.re, w.im, w.transform));
      TIMED(ODEV_STAGE_FIELD, k->second_chip(m, w.phases[now], w.phases[now ^ 1], &offset, w.re, w.im));
    }
    TIMED(ODEV_STAGE_LENS, odev_frame_last_lens(m, k, &w, drift));
    for (uint32_t x = 0; x < block->exposures; ++x) {
      const odev_exposure_light light = odev_light_of(m, k, block, block->laser_mw, i, x, drift);
      TIMED(ODEV_STAGE_DETECT, k->detect(m, &light, w.re, w.im, block->counts));
    }
  }
}

odev_status odev_stages_time(const odev_emulator_spec *spec, const char *kernels, const odev_block *block,
                             double seconds[ODEV_STAGES]) {
  const odev_kernels *k = find(kernels);
  if (!k) return ODEV_ERR_CAPABILITY;
  bench b;
  const odev_status status = bench_init(&b, spec);
  if (status != ODEV_OK) return status;
  time_stages(&b.model, k, block, b.arena.storage, seconds);
  bench_free(&b);
  return ODEV_OK;
}

/* A transform's plan and planes. */
typedef struct {
  odev_geometry geometry;
  odev_fft_plan plan;
  odev_arena arena;
  float *re, *im, *scratch;
} transform;

static odev_status transform_init(transform *t, uint32_t n) {
  if (n < 1 || n > ODEV_MAX_N) return odev_fail(ODEV_ERR_ARGUMENT, "n must be 1 to 512");
  const odev_geometry g = t->geometry = odev_geometry_of((int)n);
  if (odev_fft_plan_init(&t->plan, g.n)) return odev_fail(ODEV_ERR_MEMORY, "out of memory");
  const size_t plane = odev_square_size(g), scratch = odev_fft_scratch_size(g.n);
  if (odev_arena_init(&t->arena, 2 * odev_round_up(plane) + odev_round_up(scratch))) {
    odev_fft_plan_free(&t->plan);
    return odev_fail(ODEV_ERR_MEMORY, "out of memory");
  }
  t->re = odev_arena_take(&t->arena, plane);
  t->im = odev_arena_take(&t->arena, plane);
  t->scratch = odev_arena_take(&t->arena, scratch);
  return ODEV_OK;
}

static void transform_free(transform *t) {
  free(t->arena.storage);
  odev_fft_plan_free(&t->plan);
}

odev_status odev_stages_fft2(const char *kernels, uint32_t n, float *frame) {
  const odev_kernels *k = find(kernels);
  if (!k) return ODEV_ERR_CAPABILITY;
  transform t;
  const odev_status status = transform_init(&t, n);
  if (status != ODEV_OK) return status;
  const odev_geometry g = t.geometry;
  for (int r = 0; r < g.n; ++r)
    for (int c = 0; c < g.n; ++c) {
      const float *x = frame + 2 * ((size_t)r * n + (size_t)c);
      t.re[r * g.ld + c] = x[0];
      t.im[r * g.ld + c] = x[1];
    }
  k->fft2(&t.plan, t.re, t.im, t.scratch);
  gather_complex(g, t.re, t.im, frame);
  transform_free(&t);
  return ODEV_OK;
}

odev_status odev_stages_time_fft2(const char *kernels, uint32_t n, uint32_t frames, double *seconds) {
  const odev_kernels *k = find(kernels);
  if (!k) return ODEV_ERR_CAPABILITY;
  transform t;
  const odev_status status = transform_init(&t, n);
  if (status != ODEV_OK) return status;
  struct timespec start;
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (uint32_t i = 0; i < frames; ++i) k->fft2(&t.plan, t.re, t.im, t.scratch); /* of zeros: they stay zeros */
  *seconds = seconds_since(&start);
  transform_free(&t);
  return ODEV_OK;
}

odev_status odev_stages_random(const char *kernels, const uint32_t key[2], const uint32_t counter[4],
                               uint32_t *words, float *normals) {
  const odev_kernels *k = find(kernels);
  if (!k) return ODEV_ERR_CAPABILITY;
  k->random16(key, counter, words, normals);
  return ODEV_OK;
}
