/* optical_convolution.h - the electronic part of a convolution by light.
 *
 * Pictures are cut into segments, less a polynomial each, and laid out in frames (odev_cut); the
 * device transforms these; the pictures' spectra are told apart (odev_separate_spectra), multiplied
 * with the kernels' (odev_kernel_spectra, odev_multiply_spectra) and joined to frames again
 * (odev_join_spectra); the device transforms those; and odev_put puts the segments in their places
 * and returns the polynomials; odev_close_seams corrects what light read beyond a segment's own.  For
 * gradients, odev_fold adds segments to the pictures they were cut
 * from, and odev_correlate_taps is the kernel's.  docs/convolution.md says why.
 *
 * No function here touches a device, and none keeps anything.  Each goes over its arrays once, on at
 * most `threads` threads (one in a process that was forked), and gives the same bits on any number.
 * Arrays are dense, in the order given, float32; complex frames are interleaved.
 */
#ifndef OPTICAL_CONVOLUTION_H
#define OPTICAL_CONVOLUTION_H

#include "optical_driver.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A part of a picture's output that is computed as one.  Light carries `halo` more rows and columns of
 * its input, from (row, column) of a tile on. */
typedef struct odev_segment {
  uint32_t tile, row, column;
  uint32_t image, top, left; /* of its output, and of what that reads of the padded, sampled picture */
  uint32_t height, width;    /* of its output */
} odev_segment;

/* Tiles first_tile .. first_tile + tiles - 1; the segments of tile t are first_segment[t] up to
 * first_segment[t + 1].
 *
 * An output of h rows reads h + extent - 1 rows.  Light carries h + halo of them: all, or none but h, from
 * row (extent - 1 - halo) / 2 on.  What it does not is the segment's seam, where light reads what else
 * lies in the tile, or its other end.  The seam's pixels hold what light reads there less what it should
 * read, so that a correlation of them with the kernels corrects its output: rows above and below, then
 * columns at the left and right (transposed), each padded to the pitch that odev_seam_pitch gives.
 * Segment i has first_seam[i + 1] - first_seam[i] floats of each plane. */
typedef struct odev_tiles {
  uint32_t n;                        /* a tile is n x n */
  uint32_t first_tile, tiles;
  uint32_t extent_rows, extent_columns; /* of the kernel */
  uint32_t halo_rows, halo_columns;  /* extent - 1, or 0 */
  uint32_t pack;                     /* two real pictures to a frame */
  const odev_segment *segment;
  const uint32_t *first_segment;
  const uint64_t *first_seam; /* may be null where light carries all */
} odev_tiles;

typedef enum odev_padding {
  ODEV_PADDING_ZEROS = 0,
  ODEV_PADDING_REFLECT = 1,
  ODEV_PADDING_REPLICATE = 2,
  ODEV_PADDING_CIRCULAR = 3
} odev_padding;

/* Pictures [batch][channels][height][width], padded to padded_height x padded_width.  Plane p of a
 * tile is every step-th pixel of channel plane[p].channel, from (plane[p].row, plane[p].column) of the
 * padded picture on; what lies beyond its lower and right rims repeats them. */
typedef struct odev_plane_source {
  uint32_t channel, row, column;
} odev_plane_source;

typedef struct odev_pictures {
  uint32_t batch, channels, height, width;
  uint32_t padding_mode, pad_top, pad_left, padded_height, padded_width;
  uint32_t step_rows, step_columns;
  uint32_t planes;
  const odev_plane_source *plane;
} odev_pictures;

/* frames [ceil(tiles * planes / (pack ? 2 : 1))][n][n] complex: pictures tile by tile, divided by
 * their RMS scale [tiles * planes]; two to a frame as real and imaginary part.  polynomials [segments]
 * [6][planes]: what was taken off, sum a_ij r^i c^j for (i, j) = (0,0) (0,1) (0,2) (1,0) (1,1) (2,0), r
 * and c in pixels from the centre of the segment's input.  For a `cotangent`, x is an output's, cut
 * where outputs lie, with zeros around and nothing taken off; polynomials are sums of x r^i c^j then, and
 * light must carry all.  seams [segments][planes][floats of the segment], where there are any. */
typedef struct odev_cut_job {
  uint32_t struct_size;
  int32_t threads;
  uint32_t cotangent;
  odev_tiles tiles;
  odev_pictures pictures;
  const float *x;
  float *frames, *scale, *polynomials, *seams;
} odev_cut_job;

/* y [batch][outputs][height][width]: every stride-th output pixel.  Channel o of group g is output
 * g * outputs / groups + o; moments [outputs][6][inputs]: sums of w[k][l] (k d)^i (l d)^j by input of
 * the group.  bias (may be null) [outputs].  With `add`, y is added to. */
typedef struct odev_put_job {
  uint32_t struct_size;
  int32_t threads;
  uint32_t add;
  odev_tiles tiles;
  uint32_t batch, outputs, height, width;
  uint32_t stride_rows, stride_columns;
  uint32_t groups, inputs; /* inputs of one group */
  const float *frames, *scale, *polynomials, *moments, *bias;
  float *y;
} odev_put_job;

/* Takes the seams' correlation with weight [groups][outputs][inputs][taps_rows][taps_columns] off y
 * [batch][groups * outputs][height][width]. */
typedef struct odev_seam_job {
  uint32_t struct_size;
  int32_t threads;
  odev_tiles tiles;
  uint32_t batch, height, width;
  uint32_t groups, outputs, inputs; /* of one group */
  uint32_t taps_rows, taps_columns, dilation_rows, dilation_columns;
  const float *weight, *seams;
  float *y;
} odev_seam_job;

/* Light must carry all.  All input pixels of each segment are added to the pictures x that they would be cut from. */
typedef struct odev_fold_job {
  uint32_t struct_size;
  int32_t threads;
  odev_tiles tiles;
  odev_pictures pictures;
  const float *frames, *scale;
  float *x;
} odev_fold_job;

/* Half planes of spectra, [odev_bin_blocks(n)][pictures][re, im][16], and frames of whole ones.  Scale
 * [pictures] multiplies what is told apart; when joining, each picture's RMS is divided by and returned. */
typedef struct odev_spectra_job {
  uint32_t struct_size;
  int32_t threads;
  uint32_t n, pictures, pack;
  float *frames, *scale, *spectra;
} odev_spectra_job;

/* weight [groups][outputs][inputs][taps_rows][taps_columns] to spectra [blocks][groups][outputs][inputs]
 * [re, im][16]: sum w[k][l] e^{2 pi i (u k d + v l d) / n}. */
typedef struct odev_kernel_job {
  uint32_t struct_size;
  int32_t threads;
  uint32_t n, groups, outputs, inputs, taps_rows, taps_columns, dilation_rows, dilation_columns;
  const float *weight;
  float *spectra;
} odev_kernel_job;

enum { ODEV_FORMED_TAPS = 9 };

/* y[t][g][first + o] = sum_i x[t][g][i] k[g][o][i] at every bin; x [blocks][tiles][groups * inputs], y
 * [blocks][tiles][groups * outputs].  Of the kernels' `outputs`, `count` from `first` on are given.
 * Adjoint: y[t][g][first + i] = sum_o x[t][g][o] conj k[g][o][i], with inputs and outputs in each
 * other's place.  `kernels` may be null: their spectra are then formed, while they are multiplied, from
 * `weight`, [g][o][i][taps_rows][taps_columns] of at most ODEV_FORMED_TAPS taps. */
typedef struct odev_product_job {
  uint32_t struct_size;
  int32_t threads;
  uint32_t n, tiles, groups, inputs, outputs, first, count, adjoint;
  uint32_t taps_rows, taps_columns, dilation_rows, dilation_columns;
  const float *x, *kernels, *weight;
  float *y;
} odev_product_job;

/* The kernel's gradient: gradient [groups][outputs][inputs][taps_rows][taps_columns] += the correlation
 * of x with g, summed over tiles, at the taps' lags; x and g are spectra as odev_product_job's x and y. */
typedef struct odev_taps_job {
  uint32_t struct_size;
  int32_t threads;
  uint32_t n, tiles, groups, outputs, inputs, taps_rows, taps_columns, dilation_rows, dilation_columns;
  const float *x, *g;
  float *gradient;
} odev_taps_job;

/* Blocks of 16 bins that hold the half plane of an n x n spectrum. */
ODEV_API uint32_t odev_bin_blocks(uint32_t n);

/* Largest magnitude of x; ODEV_ERR_NONFINITE where one is NaN or infinite. */
ODEV_API odev_status odev_largest_magnitude(const float *x, uint64_t count, int32_t threads, float *largest);

/* Floats from one row of a seam to the next, for so many outputs along it. */
ODEV_API uint64_t odev_seam_pitch(uint32_t outputs, uint32_t extent);

ODEV_API odev_status odev_cut(const odev_cut_job *job);
ODEV_API odev_status odev_put(const odev_put_job *job);
ODEV_API odev_status odev_close_seams(const odev_seam_job *job);
ODEV_API odev_status odev_fold(const odev_fold_job *job);
ODEV_API odev_status odev_separate_spectra(const odev_spectra_job *job);
ODEV_API odev_status odev_join_spectra(const odev_spectra_job *job);
ODEV_API odev_status odev_kernel_spectra(const odev_kernel_job *job);
ODEV_API odev_status odev_multiply_spectra(const odev_product_job *job);
ODEV_API odev_status odev_correlate_taps(const odev_taps_job *job);

#ifdef __cplusplus
}
#endif
#endif
