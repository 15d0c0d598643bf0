/* seams.c - what light reads beyond a segment's own input, and its correction.
 *
 * The transform convolves circularly.  Where a segment's outputs reach over the rim of what light carries,
 * they meet the tile's other end, another segment or nothing, in place of the padded picture x less the
 * segment's polynomial p.  With the tile T, light is wrong by the kernel's correlation with T - (x - p) on
 * that rim: a few rows and columns, which are corrected here by multiplication.
 */
#include "seams.h"

#include "padding.h"

/* A seam along one axis: outputs `along` it, and across it those of n outputs that read its `before` rows
 * before what light carries, or its `after` rows beyond. */
typedef struct {
  int64_t before, after, along;
  size_t pitch;
} seam_axis;

uint64_t odev_seam_pitch(uint32_t outputs, uint32_t extent) {
  const uint64_t whole = ((uint64_t)outputs + ODEV_LANES - 1) / ODEV_LANES * ODEV_LANES;
  return (whole + extent - 1 + ODEV_LANES - 1) / ODEV_LANES * ODEV_LANES;
}

static seam_axis axis_of(uint32_t extent, uint32_t halo, uint32_t along, uint32_t extent_along) {
  const int64_t before = odev_lead(extent, halo);
  return (seam_axis){before, (int64_t)extent - 1 - halo - before, along, odev_seam_pitch(along, extent_along)};
}
static seam_axis rows_of(const odev_tiles *t, const odev_segment *s) {
  return axis_of(t->extent_rows, t->halo_rows, s->width, t->extent_columns);
}
static seam_axis columns_of(const odev_tiles *t, const odev_segment *s) {
  return axis_of(t->extent_columns, t->halo_columns, s->height, t->extent_rows);
}
static size_t floats_of(const seam_axis *axis) { return (size_t)(axis->before + axis->after) * axis->pitch; }

odev_status odev_check_seams(const odev_tiles *t, const float *seams, int allowed) {
  if (t->halo_rows == t->extent_rows - 1 && t->halo_columns == t->extent_columns - 1) return ODEV_OK;
  if (!allowed) return odev_fail(ODEV_ERR_ARGUMENT, "light must carry whole halos of cotangents, and to fold");
  if (!seams || !t->first_seam) return odev_fail(ODEV_ERR_ARGUMENT, "seams and first_seam must not be null");
  for (uint32_t i = t->first_segment[t->first_tile]; i < t->first_segment[t->first_tile + t->tiles]; ++i) {
    const seam_axis rows = rows_of(t, t->segment + i), columns = columns_of(t, t->segment + i);
    if (t->first_seam[i + 1] < t->first_seam[i] ||
        t->first_seam[i + 1] - t->first_seam[i] != floats_of(&rows) + floats_of(&columns))
      return odev_fail(ODEV_ERR_ARGUMENT, "the seam of segment %u takes %zu floats", i, floats_of(&rows) + floats_of(&columns));
  }
  return ODEV_OK;
}

/* Where one segment's seam lies among `planes` of each. */
static size_t seam_of(const odev_tiles *t, uint32_t segment, uint32_t planes, uint32_t plane) {
  const uint64_t begin = t->first_seam[t->first_segment[t->first_tile]], own = t->first_seam[segment];
  return (size_t)((own - begin) * planes + plane * (t->first_seam[segment + 1] - own));
}

/* What one segment's seam is made of. */
typedef struct {
  odev_axis rows, columns;
  const float *picture, *tile;
  int64_t width, n;           /* of a row of the picture, and of the tile */
  int64_t top, left;          /* of what the outputs read, in the padded picture */
  int64_t row, column;        /* and in the tile */
  float a[ODEV_COEFFICIENTS]; /* the polynomial */
  float up, before;           /* the first pixel from its centre */
} seam_source;

static seam_source source_of(const odev_cut_job *job, uint32_t segment, uint32_t plane, const float *tile) {
  const odev_tiles *t = &job->tiles;
  const odev_pictures *p = &job->pictures;
  const odev_segment *s = t->segment + segment;
  const int64_t down = odev_lead(t->extent_rows, t->halo_rows), right = odev_lead(t->extent_columns, t->halo_columns);
  seam_source from = {odev_rows_of(p, plane), odev_columns_of(p, plane), NULL, tile, p->width, t->n, s->top, s->left,
                      s->row - down, s->column - right, {0}, 0, 0};
  from.picture =
      job->x + ((size_t)s->image * p->channels + p->plane[plane].channel) * (size_t)p->height * (size_t)p->width;
  const size_t index = segment - t->first_segment[t->first_tile];
  for (size_t i = 0; i < ODEV_COEFFICIENTS; ++i)
    from.a[i] = job->polynomials[(index * ODEV_COEFFICIENTS + i) * p->planes + plane];
  from.up = -0.5f * (float)(s->height + t->halo_rows - 1) - (float)down;
  from.before = -0.5f * (float)(s->width + t->halo_columns - 1) - (float)right;
  return from;
}

/* Row r of what the outputs read, `count` pixels from the first column on. */
static void seam_row(const seam_source *from, int64_t r, int64_t count, float *to) {
  const int64_t source = odev_source(&from->rows, from->top + r);
  if (source < 0)
    memset(to, 0, (size_t)count * sizeof *to);
  else
    odev_gather_row(&from->columns, from->picture + source * from->width, from->left, count, to);
  const float y = from->up + (float)r;
  const float q[3] = {from->a[0] + y * (from->a[3] + y * from->a[5]), from->a[1] + y * from->a[4], from->a[2]};
  const float *const tile = from->tile + odev_around(from->row + r, from->n) * from->n;
  for (int64_t begin = 0; begin < count;) { /* runs of columns that lie side by side in the tile */
    const int64_t at = odev_around(from->column + begin, from->n);
    const int64_t end = count - begin < from->n - at ? count : begin + from->n - at;
    for (int64_t c = begin; c < end; ++c) {
      const float x = from->before + (float)c;
      to[c] = tile[at + c - begin] + (q[0] + x * (q[1] + x * q[2])) - to[c];
    }
    begin = end;
  }
}

/* Column c of it, rows [begin, end) alone. */
static void seam_column(const seam_source *from, int64_t c, int64_t begin, int64_t end, float *to) {
  const int64_t source = odev_source(&from->columns, from->left + c);
  const float x = from->before + (float)c;
  const float q[3] = {from->a[0] + x * (from->a[1] + x * from->a[2]), from->a[3] + x * from->a[4], from->a[5]};
  const float *const tile = from->tile + odev_around(from->column + c, from->n);
  for (int64_t r = begin; r < end; ++r) {
    const float y = from->up + (float)r;
    to[r] = tile[odev_around(from->row + r, from->n) * from->n] + (q[0] + y * (q[1] + y * q[2]));
  }
  if (source < 0) return;
  for (int64_t r = begin; r < end; ++r) {
    const int64_t row = odev_source(&from->rows, from->top + r);
    if (row >= 0) to[r] -= from->picture[row * from->width + source];
  }
}

void odev_cut_seam(const odev_cut_job *job, uint32_t segment, uint32_t plane, const float *tile) {
  const odev_tiles *t = &job->tiles;
  const odev_segment *s = t->segment + segment;
  const seam_axis rows = rows_of(t, s), columns = columns_of(t, s);
  const seam_source from = source_of(job, segment, plane, tile);
  float *to = job->seams + seam_of(t, segment, job->pictures.planes, plane);
  memset(to, 0, (floats_of(&rows) + floats_of(&columns)) * sizeof *to);
  const int64_t height = s->height + t->halo_rows, width = s->width + t->halo_columns;
  const int64_t across = (int64_t)s->width + t->extent_columns - 1;
  for (int64_t r = 0; r < rows.before; ++r, to += rows.pitch) seam_row(&from, r, across, to);
  for (int64_t r = 0; r < rows.after; ++r, to += rows.pitch) seam_row(&from, rows.before + height + r, across, to);
  /* Of the columns only what the rows above do not hold. */
  const int64_t begin = rows.before, end = rows.before + height;
  for (int64_t c = 0; c < columns.before; ++c, to += columns.pitch) seam_column(&from, c, begin, end, to);
  for (int64_t c = 0; c < columns.after; ++c, to += columns.pitch)
    seam_column(&from, columns.before + width + c, begin, end, to);
}

/* Some outputs of one segment: their kernels, and where the pixel (0, 0) of the first one is. */
typedef struct {
  const odev_convolution_kernels *kernels;
  int outputs;
  const float *weight;
  float *y;
  size_t plane;  /* from one output's plane to the next */
  float *sums;
} seam_target;

/* Takes the seam of one axis off: `n` outputs across it, `step` apart in y, and those along it 1 or a row. */
static void close_axis(const seam_target *to, const odev_seam_shape *shape, const seam_axis *axis, int64_t n,
                       int64_t halo, int64_t taps, int64_t dilation, const float *seam, size_t step, size_t step_along) {
  const int64_t beyond = axis->before + n + halo;
  for (int64_t j = 0; j < n; ++j) {
    /* Output j reads rows j + t d: those of the seam are its first and its last ones. */
    const int64_t low = j < axis->before ? (axis->before - j + dilation - 1) / dilation : 0;
    const int64_t high = (beyond - j + dilation - 1) / dilation;
    for (int end = 0; end < 2; ++end) {
      const int64_t first = end ? high : 0, last = end || low > taps ? taps : low;
      if (first >= last) continue;
      const int64_t row = j + first * dilation - (end ? n + halo : 0);
      to->kernels->seam(shape, (int)(last - first), seam + (size_t)row * axis->pitch,
                        to->weight + (size_t)first * shape->w_across, to->outputs, axis->pitch, to->sums);
      for (int o = 0; o < to->outputs; ++o) {
        float *const y = to->y + (size_t)o * to->plane + (size_t)j * step;
        const float *const sums = to->sums + (size_t)o * axis->pitch;
        for (int64_t c = 0; c < axis->along; ++c) y[(size_t)c * step_along] -= sums[c];
      }
    }
  }
}

static void close_segment(const odev_seam_job *job, uint32_t segment, uint32_t group, const seam_target *to) {
  const odev_tiles *t = &job->tiles;
  const odev_segment *s = t->segment + segment;
  const seam_axis rows = rows_of(t, s), columns = columns_of(t, s);
  const size_t floats = floats_of(&rows) + floats_of(&columns);
  const size_t h = job->taps_rows, w = job->taps_columns;
  const float *const seam = job->seams + seam_of(t, segment, job->groups * job->inputs, group * job->inputs);
  const odev_seam_shape by_rows = {(int)job->inputs, (int)rows.along, (int)w, (int)job->dilation_columns, floats,
                                   job->dilation_rows * rows.pitch, job->inputs * h * w, h * w, w, 1};
  const odev_seam_shape by_columns = {(int)job->inputs, (int)columns.along, (int)h, (int)job->dilation_rows, floats,
                                      job->dilation_columns * columns.pitch, job->inputs * h * w, h * w, 1, w};
  close_axis(to, &by_rows, &rows, s->height, t->halo_rows, (int64_t)h, job->dilation_rows, seam, job->width, 1);
  close_axis(to, &by_columns, &columns, s->width, t->halo_columns, (int64_t)w, job->dilation_columns,
             seam + floats_of(&rows), 1, job->width);
}

static odev_status check_close(const odev_seam_job *job) {
  if (!job->weight || !job->y) return odev_fail(ODEV_ERR_ARGUMENT, "weight and y must not be null");
  const odev_tiles *t = &job->tiles;
  if (job->groups < 1 || job->outputs < 1 || job->inputs < 1 || job->taps_rows < 1 || job->taps_columns < 1 ||
      (uint64_t)(job->taps_rows - 1) * job->dilation_rows + 1 != t->extent_rows ||
      (uint64_t)(job->taps_columns - 1) * job->dilation_columns + 1 != t->extent_columns)
    return odev_fail(ODEV_ERR_ARGUMENT, "there must be channels, and taps that reach over %u x %u pixels",
                     t->extent_rows, t->extent_columns);
  odev_status status = odev_check_tiles(t, job->batch);
  if (status == ODEV_OK) status = odev_check_seams(t, job->seams, 1);
  for (uint32_t i = t->first_segment[t->first_tile]; status == ODEV_OK && i < t->first_segment[t->first_tile + t->tiles]; ++i)
    if ((uint64_t)t->segment[i].top + t->segment[i].height > job->height ||
        (uint64_t)t->segment[i].left + t->segment[i].width > job->width)
      status = odev_fail(ODEV_ERR_SHAPE, "segment %u reaches beyond the output", i);
  return status;
}

odev_status odev_close_seams(const odev_seam_job *job) {
  ODEV_CHECK_JOB(job, odev_seam_job);
  const odev_status status = check_close(job);
  if (status != ODEV_OK) return status;
  const odev_convolution_kernels *kernels = odev_host_kernels();
  if (!kernels) return ODEV_ERR_CAPABILITY;
  const odev_tiles *t = &job->tiles;
  const uint32_t from = t->first_segment[t->first_tile], segments = t->first_segment[t->first_tile + t->tiles] - from;
  const uint64_t blocks = (job->outputs + ODEV_SEAM_OUTPUTS - 1) / ODEV_SEAM_OUTPUTS;
  const uint64_t pieces = segments * blocks * job->groups;
  const int threads = odev_host_threads(job->threads, pieces);
  const uint32_t extent = t->extent_rows > t->extent_columns ? t->extent_rows : t->extent_columns;
  const size_t each = ODEV_SEAM_OUTPUTS * odev_seam_pitch(t->n, extent);
  float *memory = odev_floats((size_t)threads * each);
  if (!memory) return odev_fail(ODEV_ERR_MEMORY, "out of memory for closing seams");
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
  for (int thread = 0; thread < threads; ++thread)
    for (uint64_t piece = pieces * (uint64_t)thread / (uint64_t)threads;
         piece < pieces * (uint64_t)(thread + 1) / (uint64_t)threads; ++piece) {
      const uint32_t segment = from + (uint32_t)(piece / (blocks * job->groups));
      const uint32_t group = (uint32_t)(piece / blocks % job->groups);
      const uint32_t first = (uint32_t)(piece % blocks) * ODEV_SEAM_OUTPUTS, left = job->outputs - first;
      const odev_segment *s = t->segment + segment;
      const size_t plane = (size_t)job->height * job->width, output = (size_t)group * job->outputs + first;
      const seam_target to = {
          kernels,
          left < ODEV_SEAM_OUTPUTS ? (int)left : ODEV_SEAM_OUTPUTS,
          job->weight + output * job->inputs * job->taps_rows * job->taps_columns,
          job->y + ((size_t)s->image * job->groups * job->outputs + output) * plane + (size_t)s->top * job->width + s->left,
          plane,
          memory + (size_t)thread * each};
      close_segment(job, segment, group, &to);
    }
  free(memory);
  return ODEV_OK;
}
