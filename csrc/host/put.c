/* put.c - frames back to pictures: a convolution's output, and the adjoint of cutting. */
#include "electronics.h"
#include "padding.h"
#include "seams.h"

/* One row of one segment, every stride-th pixel of it; row_z is the frame's row, whose ends meet. */
static void put_segment_row(const odev_put_job *job, const odev_convolution_kernels *kernels, const odev_segment *s,
                            const float *row_z, int part, float factor, const float q[3], float first, float *y_row) {
  const uint32_t stride = job->stride_columns, n = job->tiles.n;
  float row[ODEV_MAX_N];
  float *const to = stride == 1 ? y_row + s->left : row;
  const int add = stride == 1 && job->add;
  const int64_t lead = odev_lead(job->tiles.extent_columns, job->tiles.halo_columns);
  const uint32_t at = (uint32_t)odev_around((int64_t)s->column - lead, n);
  const uint32_t before = s->width < n - at ? s->width : n - at;
  kernels->put_row(row_z + 2 * (size_t)at, part, (int)before, factor, q, first, add, to);
  if (before < s->width)
    kernels->put_row(row_z, part, (int)(s->width - before), factor, q, first + (float)before, add, to + before);
  if (stride == 1) return;
  for (uint32_t c = (stride - s->left % stride) % stride; c < s->width; c += stride) {
    float *const pixel = y_row + (s->left + c) / stride;
    *pixel = job->add ? *pixel + row[c] : row[c];
  }
}

static void put_segment(const odev_put_job *job, const odev_convolution_kernels *kernels, const odev_segment *s,
                        uint32_t index, uint32_t output, const float *frame, int part, float factor) {
  const odev_tiles *t = &job->tiles;
  const uint32_t planes = job->groups * job->inputs, group = output / (job->outputs / job->groups);
  float a[ODEV_COEFFICIENTS];
  kernels->carry((int)job->inputs,
                 job->polynomials + (size_t)index * ODEV_COEFFICIENTS * planes + (size_t)group * job->inputs, planes,
                 job->moments + (size_t)output * ODEV_COEFFICIENTS * job->inputs, a);
  if (job->bias) a[0] += job->bias[output];
  /* Pixels are counted from the centre of what light carries of the segment's input. */
  const int64_t lead = odev_lead(t->extent_rows, t->halo_rows);
  const float up = -0.5f * (float)(s->height + t->halo_rows - 1) - (float)lead;
  const float first = -0.5f * (float)(s->width + t->halo_columns - 1) - (float)odev_lead(t->extent_columns, t->halo_columns);
  float *y = job->y + ((size_t)s->image * job->outputs + output) * (size_t)job->height * (size_t)job->width;
  const uint32_t stride = job->stride_rows;
  for (uint32_t r = (stride - s->top % stride) % stride; r < s->height; r += stride) {
    const float row = up + (float)r;
    const float q[3] = {a[0] + row * (a[3] + row * a[5]), a[1] + row * a[4], a[2]};
    const int64_t at = odev_around((int64_t)s->row - lead + r, t->n);
    put_segment_row(job, kernels, s, frame + 2 * (size_t)at * t->n, part, factor, q, first,
                    y + (size_t)((s->top + r) / stride) * job->width);
  }
}

static odev_status check_put(const odev_put_job *job) {
  if (!job->frames || !job->scale || !job->polynomials || !job->moments || !job->y)
    return odev_fail(ODEV_ERR_ARGUMENT, "frames, scale, polynomials, moments and y must not be null");
  if (job->groups < 1 || job->inputs < 1 || job->outputs < 1 || job->outputs % job->groups)
    return odev_fail(ODEV_ERR_ARGUMENT, "%u outputs of %u inputs cannot form %u groups", job->outputs, job->inputs,
                     job->groups);
  if (job->stride_rows < 1 || job->stride_columns < 1) return odev_fail(ODEV_ERR_ARGUMENT, "strides must be positive");
  const odev_status status = odev_check_tiles(&job->tiles, job->batch);
  if (status != ODEV_OK) return status;
  const odev_tiles *t = &job->tiles;
  const uint64_t rows = ((uint64_t)job->height - 1) * job->stride_rows + 1;
  const uint64_t columns = ((uint64_t)job->width - 1) * job->stride_columns + 1;
  for (uint32_t i = t->first_segment[t->first_tile]; i < t->first_segment[t->first_tile + t->tiles]; ++i)
    if ((uint64_t)t->segment[i].top + t->segment[i].height > rows ||
        (uint64_t)t->segment[i].left + t->segment[i].width > columns)
      return odev_fail(ODEV_ERR_SHAPE, "segment %u reaches beyond the output", i);
  return ODEV_OK;
}

odev_status odev_put(const odev_put_job *job) {
  ODEV_CHECK_JOB(job, odev_put_job);
  const odev_status status = check_put(job);
  if (status != ODEV_OK) return status;
  const odev_convolution_kernels *kernels = odev_host_kernels();
  if (!kernels) return ODEV_ERR_CAPABILITY;
  const odev_tiles *t = &job->tiles;
  const uint64_t a_frame = odev_pictures_a_frame(t->pack), pictures = (uint64_t)t->tiles * job->outputs;
  const size_t pixels = (size_t)t->n * t->n;
  const uint32_t from = t->first_segment[t->first_tile];
  const int threads = odev_host_threads(job->threads, pictures);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
  for (uint64_t p = 0; p < pictures; ++p) {
    const uint32_t tile = t->first_tile + (uint32_t)(p / job->outputs);
    for (uint32_t i = t->first_segment[tile]; i < t->first_segment[tile + 1]; ++i)
      put_segment(job, kernels, t->segment + i, i - from, (uint32_t)(p % job->outputs),
                  job->frames + 2 * pixels * (p / a_frame), (int)(p % a_frame), job->scale[p]);
  }
  return ODEV_OK;
}

static void fold_segment(const odev_fold_job *job, const odev_segment *s, uint32_t plane, const float *frame,
                         float factor) {
  const odev_tiles *t = &job->tiles;
  const odev_pictures *p = &job->pictures;
  const odev_axis rows = odev_rows_of(p, plane), columns = odev_columns_of(p, plane);
  const int64_t h = (int64_t)s->height + t->extent_rows - 1, w = (int64_t)s->width + t->extent_columns - 1;
  float *picture =
      job->x + ((size_t)s->image * p->channels + p->plane[plane].channel) * (size_t)p->height * (size_t)p->width;
  int64_t begin, end;
  odev_inside(&columns, s->left, w, &begin, &end);
  for (int64_t r = 0; r < h; ++r) {
    const int64_t source = odev_source(&rows, s->top + r);
    if (source < 0) continue;
    const float *z = frame + 2 * ((s->row + r) * t->n + s->column);
    float *const row = picture + source * (int64_t)p->width;
    float *const inner = row + columns.first + columns.step * (int64_t)s->left - columns.pad;
    if (columns.step == 1)
      for (int64_t c = begin; c < end; ++c) inner[c] += factor * z[2 * c];
    else
      for (int64_t c = begin; c < end; ++c) inner[c * columns.step] += factor * z[2 * c];
    if (p->padding_mode == ODEV_PADDING_ZEROS) continue;
    for (int64_t c = 0; c < w; ++c) {
      if (c >= begin && c < end) continue;
      row[odev_source(&columns, s->left + c)] += factor * z[2 * c];
    }
  }
}

odev_status odev_fold(const odev_fold_job *job) {
  ODEV_CHECK_JOB(job, odev_fold_job);
  if (!job->frames || !job->scale || !job->x) return odev_fail(ODEV_ERR_ARGUMENT, "frames, scale and x must not be null");
  odev_status status = odev_check_pictures(&job->pictures);
  if (status == ODEV_OK) status = odev_check_tiles(&job->tiles, job->pictures.batch);
  if (status == ODEV_OK) status = odev_check_seams(&job->tiles, NULL, 0);
  if (status != ODEV_OK) return status;
  const odev_tiles *t = &job->tiles;
  const odev_pictures *p = &job->pictures;
  const uint64_t a_frame = odev_pictures_a_frame(t->pack);
  const size_t pixels = (size_t)t->n * t->n;
  const int threads = odev_host_threads(job->threads, p->channels);
  /* Segments overlap, so a channel belongs to one thread, which goes through the tiles in order. */
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
  for (uint32_t channel = 0; channel < p->channels; ++channel)
    for (uint32_t plane = 0; plane < p->planes; ++plane) {
      if (p->plane[plane].channel != channel) continue;
      for (uint32_t tile = 0; tile < t->tiles; ++tile) {
        const uint64_t picture = (uint64_t)tile * p->planes + plane;
        const float *frame = job->frames + 2 * pixels * (picture / a_frame) + picture % a_frame;
        for (uint32_t i = t->first_segment[t->first_tile + tile]; i < t->first_segment[t->first_tile + tile + 1]; ++i)
          fold_segment(job, t->segment + i, plane, frame, job->scale[picture]);
      }
    }
  return ODEV_OK;
}
