/* kernel_spectra.c - kernels' spectra from their taps, and taps' gradients from spectra. */
#include "kernel_spectra.h"

#include <math.h>

#include "electronics.h"

void odev_tap_turns(int n, int taps, int dilation, const int *bins, int lanes, int pitch, float *turns) {
  const double unit = 6.283185307179586476925286766559 / n;
  for (int k = 0; k < taps; ++k, turns += 2 * pitch)
    for (int lane = 0; lane < pitch; ++lane) {
      const int used = lane < lanes && bins[lane] >= 0;
      const double angle = used ? unit * (double)((int64_t)bins[lane] * k % n * dilation % n) : 0;
      turns[lane] = used ? (float)cos(angle) : 0.0f;
      turns[pitch + lane] = used ? (float)sin(angle) : 0.0f;
    }
}

void odev_block_bins(odev_bins bins, int block, int u[ODEV_BIN_BLOCK], int v[ODEV_BIN_BLOCK]) {
  for (int lane = 0; lane < ODEV_BIN_BLOCK; ++lane) {
    if (block < bins.whole) {
      u[lane] = block / bins.runs;
      v[lane] = block % bins.runs * ODEV_BIN_BLOCK + lane;
    } else if (!odev_rest_bin(bins, block, lane, u + lane, v + lane)) {
      u[lane] = v[lane] = -1;
    }
  }
}

void odev_tap_circle_init(odev_tap_circle *c, int n, int taps_rows, int taps_columns, int dilation_rows,
                          int dilation_columns) {
  c->n = n, c->taps_rows = taps_rows, c->taps_columns = taps_columns;
  for (int u = 0; u < n; ++u) {
    const double angle = 6.283185307179586476925286766559 * u / n;
    c->cosine[u] = (float)cos(angle);
    c->sine[u] = (float)sin(angle);
    for (int k = 0; k < taps_rows; ++k) c->rows[k][u] = (int)((int64_t)u * k * dilation_rows % n);
    for (int l = 0; l < taps_columns; ++l) c->columns[l][u] = (int)((int64_t)u * l * dilation_columns % n);
  }
}

void odev_tap_circle_turns(const odev_tap_circle *c, odev_bins bins, int block, float *turns) {
  int u[ODEV_BIN_BLOCK], v[ODEV_BIN_BLOCK];
  odev_block_bins(bins, block, u, v);
  for (int k = 0; k < c->taps_rows; ++k)
    for (int l = 0; l < c->taps_columns; ++l, turns += ODEV_BLOCK_FLOATS)
      for (int lane = 0; lane < ODEV_BIN_BLOCK; ++lane) {
        const int used = v[lane] >= 0, sum = used ? c->rows[k][u[lane]] + c->columns[l][v[lane]] : 0;
        const int at = sum < c->n ? sum : sum - c->n;
        turns[lane] = used ? c->cosine[at] : 0.0f;
        turns[ODEV_BIN_BLOCK + lane] = used ? c->sine[at] : 0.0f;
      }
}

/* Blocks share their columns' factors: runs with those of the same columns, the last blocks with none. */
static int column_sets(odev_bins bins) { return bins.runs + bins.count - bins.whole; }
static int column_set(odev_bins bins, int block) {
  return block < bins.whole ? block % bins.runs : bins.runs + block - bins.whole;
}
static int first_of_set(odev_bins bins, int set) { return set < bins.runs ? set : bins.whole + set - bins.runs; }

static float *column_turns(odev_bins bins, int taps, int dilation) {
  float *turns = odev_floats((size_t)column_sets(bins) * (size_t)taps * ODEV_BLOCK_FLOATS);
  int u[ODEV_BIN_BLOCK], v[ODEV_BIN_BLOCK];
  for (int set = 0; turns && set < column_sets(bins); ++set) {
    odev_block_bins(bins, first_of_set(bins, set), u, v);
    odev_tap_turns(bins.n, taps, dilation, v, ODEV_BIN_BLOCK, ODEV_BIN_BLOCK,
                   turns + (size_t)set * (size_t)taps * ODEV_BLOCK_FLOATS);
  }
  return turns;
}

static float *row_turns(int n, int ld, int taps, int dilation) {
  float *turns = odev_floats((size_t)taps * 2 * (size_t)ld);
  int bins[ODEV_MAX_N];
  for (int u = 0; u < n; ++u) bins[u] = u;
  if (turns) odev_tap_turns(n, taps, dilation, bins, n, ld, turns);
  return turns;
}

static odev_status check_taps(uint32_t n, uint32_t groups, uint32_t outputs, uint32_t inputs, uint32_t taps_rows,
                              uint32_t taps_columns, uint32_t dilation_rows, uint32_t dilation_columns) {
  if (n < 1 || n > ODEV_MAX_N) return odev_fail(ODEV_ERR_ARGUMENT, "n must be 1 to %d", ODEV_MAX_N);
  if (groups < 1 || outputs < 1 || inputs < 1) return odev_fail(ODEV_ERR_ARGUMENT, "there must be kernels");
  if (taps_rows < 1 || taps_columns < 1 || taps_rows > n || taps_columns > n || dilation_rows < 1 ||
      dilation_columns < 1 || dilation_rows > n || dilation_columns > n)
    return odev_fail(ODEV_ERR_ARGUMENT, "taps and dilations must be 1 to n = %u", n);
  return ODEV_OK;
}

/* Of few taps: as they are formed in passing (products.c), to the bit. */
static odev_status spectra_of_few_taps(const odev_kernel_job *job, const odev_convolution_kernels *kernels) {
  const odev_bins bins = odev_bins_of((int)job->n);
  const uint64_t count = (uint64_t)job->groups * job->outputs * job->inputs;
  odev_tap_circle *circle = malloc(sizeof *circle);
  if (!circle) return odev_fail(ODEV_ERR_MEMORY, "out of memory for kernels' spectra");
  odev_tap_circle_init(circle, bins.n, (int)job->taps_rows, (int)job->taps_columns, (int)job->dilation_rows,
                       (int)job->dilation_columns);
  const int threads = odev_host_threads(job->threads, (uint64_t)bins.count);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
  for (int block = 0; block < bins.count; ++block) {
    float turns[ODEV_FORMED_TAPS * ODEV_BLOCK_FLOATS];
    odev_tap_circle_turns(circle, bins, block, turns);
    kernels->kernel_taps((int)(job->taps_rows * job->taps_columns), turns, job->weight, count,
                         job->spectra + (size_t)block * count * ODEV_BLOCK_FLOATS);
  }
  free(circle);
  return ODEV_OK;
}

odev_status odev_kernel_spectra(const odev_kernel_job *job) {
  ODEV_CHECK_JOB(job, odev_kernel_job);
  if (!job->weight || !job->spectra) return odev_fail(ODEV_ERR_ARGUMENT, "weight and spectra must not be null");
  const odev_status status = check_taps(job->n, job->groups, job->outputs, job->inputs, job->taps_rows,
                                        job->taps_columns, job->dilation_rows, job->dilation_columns);
  if (status != ODEV_OK) return status;
  const odev_convolution_kernels *kernels = odev_host_kernels();
  if (!kernels) return ODEV_ERR_CAPABILITY;
  if (job->taps_rows * job->taps_columns <= ODEV_FORMED_TAPS) return spectra_of_few_taps(job, kernels);
  const odev_bins bins = odev_bins_of((int)job->n);
  const int taps_h = (int)job->taps_rows, taps_w = (int)job->taps_columns, ld = odev_geometry_of(bins.n).ld;
  const uint64_t count = (uint64_t)job->groups * job->outputs * job->inputs;
  const size_t row_floats = 2 * (size_t)taps_w * (size_t)ld;
  float *turn_h = row_turns(bins.n, ld, taps_h, (int)job->dilation_rows);
  float *turn_w = column_turns(bins, taps_w, (int)job->dilation_columns);
  float *rows = odev_floats(count * row_floats);
  if (turn_h && turn_w && rows) {
    const int threads = odev_host_threads(job->threads, count);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (uint64_t i = 0; i < count; ++i)
      kernels->kernel_rows(ld, taps_h, taps_w, job->weight + i * (uint64_t)(taps_h * taps_w), turn_h,
                           rows + i * row_floats);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int block = 0; block < bins.count; ++block)
      kernels->kernel_block(bins, ld, block, taps_w,
                            turn_w + (size_t)column_set(bins, block) * (size_t)taps_w * ODEV_BLOCK_FLOATS, rows, count,
                            job->spectra + (size_t)block * count * ODEV_BLOCK_FLOATS);
  }
  const int short_of_memory = !turn_h || !turn_w || !rows;
  free(turn_h);
  free(turn_w);
  free(rows);
  return short_of_memory ? odev_fail(ODEV_ERR_MEMORY, "out of memory for kernels' spectra") : ODEV_OK;
}

/* ---- the kernel's gradient ------------------------------------------------------------------- */

/* sum over a set's lanes of w Re(sums[k] e^{2 pi i v l d / n}) onto the taps. */
static void add_taps(odev_bins bins, const odev_taps_job *job, const float *sums, const float *turn_w, float *gradient) {
  const int taps_h = (int)job->taps_rows, taps_w = (int)job->taps_columns;
  for (int set = 0; set < column_sets(bins); ++set) {
    int u[ODEV_BIN_BLOCK], v[ODEV_BIN_BLOCK];
    odev_block_bins(bins, first_of_set(bins, set), u, v);
    for (int k = 0; k < taps_h; ++k, sums += ODEV_BLOCK_FLOATS)
      for (int l = 0; l < taps_w; ++l) {
        const float *turn = turn_w + ((size_t)set * (size_t)taps_w + (size_t)l) * ODEV_BLOCK_FLOATS;
        float sum = 0;
        for (int lane = 0; lane < ODEV_BIN_BLOCK; ++lane) {
          const float weight = v[lane] < 0 ? 0.0f : odev_bin_weight(bins, v[lane]);
          sum += weight * (sums[lane] * turn[lane] - sums[ODEV_BIN_BLOCK + lane] * turn[ODEV_BIN_BLOCK + lane]);
        }
        gradient[k * taps_w + l] += sum;
      }
  }
}

/* Of one output channel: sums [inputs][sets][taps_rows][re, im][16]. */
static void correlate_output(const odev_taps_job *job, const odev_convolution_kernels *kernels, odev_bins bins,
                             const float *turn_h, const float *turn_w, uint64_t output, float *sums) {
  const uint64_t inputs = job->inputs, planes = job->groups * inputs, all = (uint64_t)job->groups * job->outputs;
  const uint64_t group = output / job->outputs;
  const size_t of_set = (size_t)job->taps_rows * ODEV_BLOCK_FLOATS, of_input = (size_t)column_sets(bins) * of_set;
  memset(sums, 0, inputs * of_input * sizeof *sums);
  for (int block = 0; block < bins.count; ++block)
    for (uint64_t i = 0; i < inputs; ++i)
      kernels->correlate_taps((int)job->tiles,
                              job->x + ((uint64_t)block * job->tiles * planes + group * inputs + i) * ODEV_BLOCK_FLOATS,
                              planes * ODEV_BLOCK_FLOATS,
                              job->g + ((uint64_t)block * job->tiles * all + output) * ODEV_BLOCK_FLOATS,
                              all * ODEV_BLOCK_FLOATS, (int)job->taps_rows, turn_h + (size_t)block * of_set,
                              sums + i * of_input + (size_t)column_set(bins, block) * of_set);
  for (uint64_t i = 0; i < inputs; ++i)
    add_taps(bins, job, sums + i * of_input, turn_w,
             job->gradient + (output * inputs + i) * job->taps_rows * job->taps_columns);
}

odev_status odev_correlate_taps(const odev_taps_job *job) {
  ODEV_CHECK_JOB(job, odev_taps_job);
  if (!job->x || !job->g || !job->gradient) return odev_fail(ODEV_ERR_ARGUMENT, "x, g and gradient must not be null");
  const odev_status status = check_taps(job->n, job->groups, job->outputs, job->inputs, job->taps_rows,
                                        job->taps_columns, job->dilation_rows, job->dilation_columns);
  if (status != ODEV_OK) return status;
  const odev_convolution_kernels *kernels = odev_host_kernels();
  if (!kernels) return ODEV_ERR_CAPABILITY;
  const odev_bins bins = odev_bins_of((int)job->n);
  const uint64_t outputs = (uint64_t)job->groups * job->outputs;
  const int threads = odev_host_threads(job->threads, outputs), taps_h = (int)job->taps_rows;
  const size_t of_set = (size_t)taps_h * ODEV_BLOCK_FLOATS;
  const size_t each = job->inputs * (size_t)column_sets(bins) * of_set;
  float *turn_h = odev_floats((size_t)bins.count * of_set);
  float *turn_w = column_turns(bins, (int)job->taps_columns, (int)job->dilation_columns);
  float *sums = odev_floats((size_t)threads * each);
  if (turn_h && turn_w && sums) {
    for (int block = 0; block < bins.count; ++block) {
      int u[ODEV_BIN_BLOCK], v[ODEV_BIN_BLOCK];
      odev_block_bins(bins, block, u, v);
      odev_tap_turns(bins.n, taps_h, (int)job->dilation_rows, u, ODEV_BIN_BLOCK, ODEV_BIN_BLOCK,
                     turn_h + (size_t)block * of_set);
    }
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int t = 0; t < threads; ++t) {
      const uint64_t end = outputs * (uint64_t)(t + 1) / (uint64_t)threads;
      for (uint64_t o = outputs * (uint64_t)t / (uint64_t)threads; o < end; ++o)
        correlate_output(job, kernels, bins, turn_h, turn_w, o, sums + (size_t)t * each);
    }
  }
  const int short_of_memory = !turn_h || !turn_w || !sums;
  free(turn_h);
  free(turn_w);
  free(sums);
  return short_of_memory ? odev_fail(ODEV_ERR_MEMORY, "out of memory for a kernel's gradient") : ODEV_OK;
}
