/* cut.c - pictures to frames: padded, cut into segments, less their polynomials, packed. */
#include <math.h>

#include "electronics.h"
#include "padding.h"
#include "seams.h"

/* One thread's tiles: the picture being cut and the one before it, and a segment. */
typedef struct {
  float *plane[2], *segment;
} workspace;

/* What light carries of a segment's input, h x w, onto rows of `pitch` whose ends are zero. */
static void gather(const odev_cut_job *job, const odev_segment *s, uint32_t plane, int64_t h, int64_t w, float *to,
                   int64_t pitch) {
  const odev_pictures *p = &job->pictures;
  const odev_tiles *t = &job->tiles;
  const int64_t top = s->top + odev_lead(t->extent_rows, t->halo_rows);
  const int64_t left = s->left + odev_lead(t->extent_columns, t->halo_columns);
  const odev_axis rows = odev_rows_of(p, plane), columns = odev_columns_of(p, plane);
  const float *picture =
      job->x + ((size_t)s->image * p->channels + p->plane[plane].channel) * (size_t)p->height * (size_t)p->width;
  for (int64_t r = 0; r < h; ++r, to += pitch) {
    const int64_t source = odev_source(&rows, top + r);
    if (source < 0)
      memset(to, 0, (size_t)w * sizeof *to);
    else
      odev_gather_row(&columns, picture + source * (int64_t)p->width, left, w, to);
    memset(to + w, 0, (size_t)(pitch - w) * sizeof *to);
  }
}

/* The least-squares polynomial of degree 2 from its moments.  On a centred grid, 1, r, c, rc and
 * r^2 - mean r^2, c^2 - mean c^2 are orthogonal; mean r^2 = (h^2 - 1) / 12, and the sum of the squares of
 * r^2 - mean is h (h^2 - 1) (h^2 - 4) / 180.  Degrees that a short axis cannot carry stay out. */
static void solve(const double s[ODEV_COEFFICIENTS], double h, double w, float a[ODEV_COEFFICIENTS]) {
  const double mr = (h * h - 1) / 12, mc = (w * w - 1) / 12, area = h * w;
  const double rr = h > 2 ? (s[5] - mr * s[0]) / (area * (h * h - 1) * (h * h - 4) / 180) : 0;
  const double cc = w > 2 ? (s[2] - mc * s[0]) / (area * (w * w - 1) * (w * w - 4) / 180) : 0;
  a[0] = (float)(s[0] / area - rr * mr - cc * mc);
  a[1] = (float)(w > 1 ? s[1] / (area * mc) : 0);
  a[2] = (float)cc;
  a[3] = (float)(h > 1 ? s[3] / (area * mr) : 0);
  a[4] = (float)(h > 1 && w > 1 ? s[4] / (area * mr * mc) : 0);
  a[5] = (float)rr;
}

/* Moments about a point that lies (down, right) of the centre they were taken from. */
static void move_centre(double s[ODEV_COEFFICIENTS], double down, double right) {
  s[5] += down * (down * s[0] - 2 * s[3]);
  s[4] += down * right * s[0] - down * s[1] - right * s[3];
  s[2] += right * (right * s[0] - 2 * s[1]);
  s[3] -= down * s[0];
  s[1] -= right * s[0];
}

static void cut_segment(const odev_cut_job *job, const odev_convolution_kernels *kernels, const odev_segment *s,
                        uint32_t index, uint32_t plane, float *segment, float *tile) {
  const odev_tiles *t = &job->tiles;
  const int64_t more_rows = t->halo_rows, more_columns = t->halo_columns;
  const int64_t h = s->height + (job->cotangent ? 0 : more_rows), w = s->width + (job->cotangent ? 0 : more_columns);
  const int64_t pitch = (w + ODEV_LANES - 1) / ODEV_LANES * ODEV_LANES;
  float *const polynomial = job->polynomials + (size_t)index * ODEV_COEFFICIENTS * job->pictures.planes + plane;
  double sums[ODEV_COEFFICIENTS];
  float a[ODEV_COEFFICIENTS];
  gather(job, s, plane, h, w, segment, pitch);
  kernels->moments(segment, (int)pitch, (int)h, (int)w, sums);
  if (job->cotangent) {
    move_centre(sums, 0.5 * (double)more_rows, 0.5 * (double)more_columns);
    for (int i = 0; i < ODEV_COEFFICIENTS; ++i) a[i] = (float)sums[i];
  } else {
    solve(sums, (double)h, (double)w, a);
    kernels->subtract(segment, (int)pitch, (int)h, (int)w, a);
  }
  for (int i = 0; i < ODEV_COEFFICIENTS; ++i) polynomial[(size_t)i * job->pictures.planes] = a[i];
  for (int64_t r = 0; r < h; ++r)
    memcpy(tile + (s->row + r) * t->n + s->column, segment + r * pitch, (size_t)w * sizeof *tile);
}

/* One picture of a frame; returns its RMS, 1 for an empty one. */
static float cut_picture(const odev_cut_job *job, const odev_convolution_kernels *kernels, uint64_t picture,
                         float *segment, float *plane) {
  const odev_tiles *t = &job->tiles;
  const uint32_t tile = t->first_tile + (uint32_t)(picture / job->pictures.planes);
  const size_t pixels = (size_t)t->n * t->n;
  const uint32_t from = t->first_segment[t->first_tile];
  memset(plane, 0, pixels * sizeof *plane);
  for (uint32_t i = t->first_segment[tile]; i < t->first_segment[tile + 1]; ++i)
    cut_segment(job, kernels, t->segment + i, i - from, (uint32_t)(picture % job->pictures.planes), segment, plane);
  if (job->seams)
    for (uint32_t i = t->first_segment[tile]; i < t->first_segment[tile + 1]; ++i)
      odev_cut_seam(job, i, (uint32_t)(picture % job->pictures.planes), plane);
  return odev_rms(kernels->energy(plane, pixels), pixels);
}

static void cut_frame(const odev_cut_job *job, const odev_convolution_kernels *kernels, uint64_t frame, float *memory) {
  const size_t pixels = (size_t)job->tiles.n * job->tiles.n, plane = (pixels + ODEV_LANES - 1) / ODEV_LANES * ODEV_LANES;
  float *const planes[2] = {memory, memory + plane}, *const segment = memory + 2 * plane;
  const uint64_t a_frame = odev_pictures_a_frame(job->tiles.pack), first = frame * a_frame;
  const uint64_t all = (uint64_t)job->tiles.tiles * job->pictures.planes;
  const uint64_t count = all - first < a_frame ? all - first : a_frame;
  for (uint64_t i = 0; i < count; ++i) job->scale[first + i] = cut_picture(job, kernels, first + i, segment, planes[i]);
  kernels->pack(planes[0], count > 1 ? planes[1] : NULL, 1.0f / job->scale[first],
                count > 1 ? 1.0f / job->scale[first + 1] : 0.0f, pixels, job->frames + 2 * pixels * frame);
}

odev_status odev_cut(const odev_cut_job *job) {
  ODEV_CHECK_JOB(job, odev_cut_job);
  if (!job->x || !job->frames || !job->scale || !job->polynomials)
    return odev_fail(ODEV_ERR_ARGUMENT, "x, frames, scale and polynomials must not be null");
  odev_status status = odev_check_pictures(&job->pictures);
  if (status == ODEV_OK) status = odev_check_tiles(&job->tiles, job->pictures.batch);
  if (status == ODEV_OK) status = odev_check_seams(&job->tiles, job->seams, !job->cotangent);
  if (status != ODEV_OK) return status;
  const odev_convolution_kernels *kernels = odev_host_kernels();
  if (!kernels) return ODEV_ERR_CAPABILITY;
  const uint64_t a_frame = odev_pictures_a_frame(job->tiles.pack);
  const uint64_t frames = ((uint64_t)job->tiles.tiles * job->pictures.planes + a_frame - 1) / a_frame;
  const int threads = odev_host_threads(job->threads, frames);
  const size_t n = job->tiles.n, ld = (n + ODEV_LANES - 1) / ODEV_LANES * ODEV_LANES;
  const size_t each = 2 * (n * ld + ODEV_LANES) + n * ld;
  float *memory = odev_floats((size_t)threads * each);
  if (!memory) return odev_fail(ODEV_ERR_MEMORY, "out of memory for cutting pictures");
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
  for (int t = 0; t < threads; ++t) {
    const uint64_t end = frames * (uint64_t)(t + 1) / (uint64_t)threads;
    for (uint64_t f = frames * (uint64_t)t / (uint64_t)threads; f < end; ++f)
      cut_frame(job, kernels, f, memory + (size_t)t * each);
  }
  free(memory);
  return ODEV_OK;
}
