/* products.c - spectra times kernels' spectra, summed over channels. */
#include "electronics.h"
#include "kernel_spectra.h"

/* Kernels formed at a time: their block of bins stays in the first-level cache beside the pictures'. */
enum { FORMED = 128 };

static odev_status check_product(const odev_product_job *job) {
  if (!job->x || (!job->kernels && !job->weight) || !job->y)
    return odev_fail(ODEV_ERR_ARGUMENT, "x, y, and one of kernels and weight must not be null");
  if (job->n < 1 || job->n > ODEV_MAX_N) return odev_fail(ODEV_ERR_ARGUMENT, "n must be 1 to %d", ODEV_MAX_N);
  if (job->groups < 1 || job->inputs < 1 || job->outputs < 1 || job->first > job->outputs ||
      job->count > job->outputs - job->first)
    return odev_fail(ODEV_ERR_ARGUMENT, "outputs %u to %u of %u, from %u inputs in %u groups, are none", job->first,
                     job->first + job->count, job->outputs, job->inputs, job->groups);
  if (job->kernels) return ODEV_OK;
  if (job->taps_rows < 1 || job->taps_columns < 1 || job->taps_rows > ODEV_FORMED_TAPS ||
      job->taps_columns > ODEV_FORMED_TAPS || job->taps_rows * job->taps_columns > ODEV_FORMED_TAPS)
    return odev_fail(ODEV_ERR_ARGUMENT, "kernels of %u x %u taps cannot be formed in passing: at most %d can",
                     job->taps_rows, job->taps_columns, ODEV_FORMED_TAPS);
  /* A single tap is dilated by nothing, however far the next block of the kernel lies. */
  if (job->dilation_rows < 1 || job->dilation_columns < 1 || (job->taps_rows > 1 && job->dilation_rows > job->n) ||
      (job->taps_columns > 1 && job->dilation_columns > job->n))
    return odev_fail(ODEV_ERR_ARGUMENT, "dilations must be 1 to n = %u", job->n);
  return ODEV_OK;
}

static odev_product_shape shape_of(const odev_product_job *job, uint64_t outputs) {
  return (odev_product_shape){
      .tiles = (int)job->tiles,
      .inputs = (int)job->inputs,
      .outputs = (int)outputs,
      .x_tile = (size_t)job->groups * job->inputs * ODEV_BLOCK_FLOATS,
      .y_tile = (size_t)job->groups * job->outputs * ODEV_BLOCK_FLOATS,
      .k_input = (job->adjoint ? outputs : 1) * (size_t)ODEV_BLOCK_FLOATS,
      .k_output = (job->adjoint ? 1 : job->inputs) * (size_t)ODEV_BLOCK_FLOATS,
      .conjugate = job->adjoint != 0,
  };
}

/* So many outputs' kernels are formed together: of pairs of outputs, which are multiplied together. */
static uint64_t formed_outputs(const odev_product_job *job) {
  const uint64_t some = FORMED / (uint64_t)job->inputs / 2 * 2;
  return some < 2 ? 2 : some < job->count ? some : job->count;
}

/* One block of bins of one group, its kernels formed in `spectra`. */
static void multiply_formed(const odev_product_job *job, const odev_convolution_kernels *kernels, const float *turns,
                            uint64_t group, const float *x, float *y, float *spectra) {
  const int taps = (int)(job->taps_rows * job->taps_columns);
  const uint64_t step = formed_outputs(job), inputs = job->inputs, count = job->count;
  for (uint64_t o = 0; o < count; o += step) {
    const uint64_t some = count - o < step ? count - o : step;
    if (job->adjoint) {
      for (uint64_t i = 0; i < inputs; ++i)
        kernels->kernel_taps(taps, turns, job->weight + ((group * inputs + i) * count + o) * (uint64_t)taps, some,
                             spectra + i * some * ODEV_BLOCK_FLOATS);
    } else {
      kernels->kernel_taps(taps, turns, job->weight + (group * count + o) * inputs * (uint64_t)taps, some * inputs, spectra);
    }
    const odev_product_shape shape = shape_of(job, some);
    kernels->multiply(&shape, x, spectra, y + o * ODEV_BLOCK_FLOATS);
  }
}

static odev_status multiply_taps(const odev_product_job *job, const odev_convolution_kernels *kernels) {
  const odev_bins bins = odev_bins_of((int)job->n);
  const int threads = odev_host_threads(job->threads, (uint64_t)bins.count);
  const uint64_t groups = job->groups;
  const size_t each = formed_outputs(job) * job->inputs * ODEV_BLOCK_FLOATS;
  odev_tap_circle *circle = malloc(sizeof *circle);
  float *spectra = odev_floats((size_t)threads * each);
  if (circle && spectra) {
    odev_tap_circle_init(circle, bins.n, (int)job->taps_rows, (int)job->taps_columns, (int)job->dilation_rows,
                         (int)job->dilation_columns);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int t = 0; t < threads; ++t)
      for (uint64_t block = (uint64_t)bins.count * (uint64_t)t / (uint64_t)threads;
           block < (uint64_t)bins.count * (uint64_t)(t + 1) / (uint64_t)threads; ++block) {
        float turns[ODEV_FORMED_TAPS * ODEV_BLOCK_FLOATS];
        odev_tap_circle_turns(circle, bins, (int)block, turns);
        for (uint64_t g = 0; g < groups; ++g)
          multiply_formed(job, kernels, turns, g, job->x + (block * job->tiles * groups + g) * job->inputs * ODEV_BLOCK_FLOATS,
                          job->y + ((block * job->tiles * groups + g) * job->outputs + job->first) * ODEV_BLOCK_FLOATS,
                          spectra + (size_t)t * each);
      }
  }
  const int short_of_memory = !circle || !spectra;
  free(circle);
  free(spectra);
  return short_of_memory ? odev_fail(ODEV_ERR_MEMORY, "out of memory for kernels' spectra") : ODEV_OK;
}

odev_status odev_multiply_spectra(const odev_product_job *job) {
  ODEV_CHECK_JOB(job, odev_product_job);
  const odev_status status = check_product(job);
  if (status != ODEV_OK) return status;
  const odev_convolution_kernels *kernels = odev_host_kernels();
  if (!kernels) return ODEV_ERR_CAPABILITY;
  if (!job->kernels) return multiply_taps(job, kernels);
  const uint64_t blocks = odev_bin_blocks(job->n), groups = job->groups, inputs = job->inputs;
  const odev_product_shape shape = shape_of(job, job->count);
  const int threads = odev_host_threads(job->threads, blocks);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
  for (uint64_t block = 0; block < blocks; ++block)
    for (uint64_t g = 0; g < groups; ++g)
      kernels->multiply(&shape, job->x + (block * job->tiles * groups + g) * inputs * ODEV_BLOCK_FLOATS,
                        job->kernels + (block * groups + g) * inputs * job->count * ODEV_BLOCK_FLOATS,
                        job->y + ((block * job->tiles * groups + g) * job->outputs + job->first) * ODEV_BLOCK_FLOATS);
  return ODEV_OK;
}
