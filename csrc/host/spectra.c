/* spectra.c - pictures' spectra told apart, multiplied by the kernels' and joined to frames. */
#include <math.h>

#include "electronics.h"

uint32_t odev_bin_blocks(uint32_t n) { return (uint32_t)odev_bins_of((int)n).count; }

static odev_status check_spectra(const odev_spectra_job *job) {
  if (!job->frames || !job->scale || !job->spectra)
    return odev_fail(ODEV_ERR_ARGUMENT, "frames, scale and spectra must not be null");
  if (job->n < 1 || job->n > ODEV_MAX_N) return odev_fail(ODEV_ERR_ARGUMENT, "n must be 1 to %d", ODEV_MAX_N);
  return ODEV_OK;
}

odev_status odev_separate_spectra(const odev_spectra_job *job) {
  ODEV_CHECK_JOB(job, odev_spectra_job);
  const odev_status status = check_spectra(job);
  if (status != ODEV_OK) return status;
  const odev_convolution_kernels *kernels = odev_host_kernels();
  if (!kernels) return ODEV_ERR_CAPABILITY;
  const odev_bins bins = odev_bins_of((int)job->n);
  const uint64_t a_frame = odev_pictures_a_frame(job->pack), frames = (job->pictures + a_frame - 1) / a_frame;
  const size_t pixels = (size_t)job->n * job->n, stride = (size_t)job->pictures * ODEV_BLOCK_FLOATS;
  const int threads = odev_host_threads(job->threads, frames);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
  for (uint64_t f = 0; f < frames; ++f) {
    const uint64_t p = f * a_frame;
    const int pair = p + 1 < job->pictures && job->pack;
    const float scale[2] = {job->scale[p], pair ? job->scale[p + 1] : 0.0f};
    kernels->separate(bins, job->frames + 2 * pixels * f, pair ? 2 : 1, scale, stride,
                      job->spectra + p * ODEV_BLOCK_FLOATS);
  }
  return ODEV_OK;
}

odev_status odev_join_spectra(const odev_spectra_job *job) {
  ODEV_CHECK_JOB(job, odev_spectra_job);
  const odev_status status = check_spectra(job);
  if (status != ODEV_OK) return status;
  const odev_convolution_kernels *kernels = odev_host_kernels();
  if (!kernels) return ODEV_ERR_CAPABILITY;
  const odev_bins bins = odev_bins_of((int)job->n);
  const uint64_t a_frame = odev_pictures_a_frame(job->pack), frames = (job->pictures + a_frame - 1) / a_frame;
  const size_t pixels = (size_t)job->n * job->n, stride = (size_t)job->pictures * ODEV_BLOCK_FLOATS;
  const int threads = odev_host_threads(job->threads, frames);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
  for (uint64_t f = 0; f < frames; ++f) {
    const uint64_t p = f * a_frame;
    const int pictures = p + 1 < job->pictures && job->pack ? 2 : 1;
    float factor[2] = {0.0f, 0.0f};
    for (int i = 0; i < pictures; ++i) {
      const double energy = kernels->half_plane_energy(bins, job->spectra + (p + (uint64_t)i) * ODEV_BLOCK_FLOATS, stride);
      job->scale[p + (uint64_t)i] = odev_rms(energy, pixels); /* Parseval */
      factor[i] = 1.0f / job->scale[p + (uint64_t)i];
    }
    kernels->join(bins, job->spectra + p * ODEV_BLOCK_FLOATS, pictures, factor, stride, job->frames + 2 * pixels * f);
  }
  return ODEV_OK;
}
