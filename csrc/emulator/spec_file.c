/* spec_file.c - an emulated device as a file, "emulator:PATH" in C: what it was fabricated with, written
 * by Python, so that a program without Python can open it.
 *
 * A header, the two structs, the arrays in the order of the table below, and a checksum; in this
 * machine's byte order and this build's layout, which the header's sizes and version tell. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../backends/schemes.h"
#include "../core/error.h"
#include "build.h"
#include "optical_emulator.h"

typedef struct {
  char magic[8];
  uint32_t abi_version, spec_size, sheet_size, arrays;
  char serial[ODEV_NAME_SIZE];
} file_header;

static const char MAGIC[8] = {'O', 'D', 'E', 'V', 'S', 'P', 'E', 'C'};

#define PLANES(field, count) {offsetof(odev_emulator_spec, field), count, 0, 0, 0}
static const struct {
  size_t offset;
  uint32_t per_pixel, per_row, per_launch_step, fixed; /* doubles */
} arrays[] = {
    {offsetof(odev_emulator_spec, dac_bow), 0, 4, 0, 0},
    {offsetof(odev_emulator_spec, dac_bit_error), 0, 16, 0, 0},
    PLANES(power_full_mw, 4),
    PLANES(resistance_slope_per_mw, 4),
    PLANES(p_pi_mw, 4),
    PLANES(static_phase_rad, 4),
    PLANES(links, 16),
    PLANES(partner, 2),
    {offsetof(odev_emulator_spec, ring), 0, 0, 0, 3},
    {offsetof(odev_emulator_spec, substrate_k_per_mw), 0, 0, 0, 9},
    PLANES(b0, 2),
    PLANES(b1, 2),
    PLANES(input_map, 2),
    PLANES(middle_map, 2),
    PLANES(output_map, 2),
    PLANES(reference_map, 1),
    PLANES(qe_map, 1),
    PLANES(dark_e_per_s_map, 1),
    {offsetof(odev_emulator_spec, launch_gain), 0, 0, 2, 0},
    {offsetof(odev_emulator_spec, step_phase_rad), 0, 0, 0, 4},
    {offsetof(odev_emulator_spec, drift_amplitude), 0, 0, 0, 72},
    {offsetof(odev_emulator_spec, drift_omega_rad_per_s), 0, 0, 0, 72},
    {offsetof(odev_emulator_spec, drift_phase_rad), 0, 0, 0, 72}};
enum { ARRAYS = sizeof arrays / sizeof *arrays };

static size_t doubles_of(const odev_emulator_spec *s, size_t i) {
  return (size_t)arrays[i].per_pixel * s->n * s->n + (size_t)arrays[i].per_row * s->n +
         (size_t)arrays[i].per_launch_step * s->launch_steps + arrays[i].fixed;
}
static size_t all_doubles(const odev_emulator_spec *s) {
  size_t count = 0;
  for (size_t i = 0; i < ARRAYS; ++i) count += doubles_of(s, i);
  return count;
}
static const double **array_of(odev_emulator_spec *s, size_t i) {
  return (const double **)(void *)((char *)s + arrays[i].offset);
}

/* FNV-1a: tells damage, not malice. */
static uint64_t checksum(uint64_t sum, const void *data, size_t size) {
  const unsigned char *byte = data;
  for (size_t i = 0; i < size; ++i) sum = (sum ^ byte[i]) * 0x100000001b3u;
  return sum;
}

typedef struct {
  FILE *file;
  uint64_t sum;
  int failed;
} stream;

static void put(stream *s, const void *data, size_t size) {
  s->sum = checksum(s->sum, data, size);
  s->failed |= fwrite(data, 1, size, s->file) != size;
}
static int get(stream *s, void *data, size_t size) {
  if (fread(data, 1, size, s->file) != size) s->failed = 1;
  if (!s->failed) s->sum = checksum(s->sum, data, size);
  return !s->failed;
}

odev_status odev_save_emulator(const odev_emulator_spec *spec, const odev_data_sheet *sheet, const char *path) {
  if (!spec || !sheet || !path || spec->struct_size != sizeof *spec || sheet->struct_size != sizeof *sheet)
    return odev_fail(ODEV_ERR_ARGUMENT, "spec and sheet must be there, with this build's struct_size, and a path");
  odev_emulator_spec plain = *spec; /* without the pointers: they mean nothing in a file */
  file_header header = {.abi_version = ODEV_ABI_VERSION, .spec_size = sizeof *spec, .sheet_size = sizeof *sheet,
                        .arrays = ARRAYS};
  memcpy(header.magic, MAGIC, sizeof MAGIC);
  snprintf(header.serial, sizeof header.serial, "%s", spec->serial ? spec->serial : "");
  plain.serial = NULL;
  const double *values[ARRAYS];
  for (size_t i = 0; i < ARRAYS; ++i) {
    values[i] = *array_of(&plain, i);
    *array_of(&plain, i) = NULL;
    if (!values[i]) return odev_fail(ODEV_ERR_ARGUMENT, "emulator spec: an array is missing");
  }
  stream out = {.file = fopen(path, "wbx")};
  if (!out.file) return odev_fail(ODEV_ERR_ARGUMENT, "cannot write %s: %s", path, strerror(errno));
  put(&out, &header, sizeof header);
  put(&out, &plain, sizeof plain);
  put(&out, sheet, sizeof *sheet);
  for (size_t i = 0; i < ARRAYS; ++i) put(&out, values[i], doubles_of(spec, i) * sizeof *values[i]);
  const uint64_t sum = out.sum;
  put(&out, &sum, sizeof sum);
  if (fclose(out.file) || out.failed) return odev_fail(ODEV_ERR_BACKEND, "%s could not be written whole", path);
  return ODEV_OK;
}

/* ---- reading --------------------------------------------------------------------------------- */

typedef struct {
  odev_emulator_spec spec;
  odev_data_sheet sheet;
  char serial[ODEV_NAME_SIZE];
  double *values;
} loaded;

static const char *read_file(stream *in, loaded *l) {
  file_header header;
  if (!get(in, &header, sizeof header) || memcmp(header.magic, MAGIC, sizeof MAGIC) != 0) return "it is no emulator's file";
  if (header.abi_version != ODEV_ABI_VERSION || header.spec_size != sizeof l->spec ||
      header.sheet_size != sizeof l->sheet || header.arrays != ARRAYS)
    return "it was written by another version: write it again";
  if (!get(in, &l->spec, sizeof l->spec) || !get(in, &l->sheet, sizeof l->sheet)) return "it ends too early";
  if (l->spec.n < 1 || l->spec.n > ODEV_MAX_N || l->spec.launch_steps < 1 ||
      l->spec.launch_steps > ODEV_MAX_LAUNCH_STEPS)
    return "it is damaged: sizes are out of range";
  memcpy(l->serial, header.serial, sizeof l->serial - 1);
  l->spec.serial = l->serial;
  const size_t count = all_doubles(&l->spec);
  l->values = malloc(count * sizeof *l->values);
  if (!l->values) return "there is no memory for it";
  if (!get(in, l->values, count * sizeof *l->values)) return "it ends too early";
  const double *at = l->values;
  for (size_t i = 0; i < ARRAYS; ++i) {
    *array_of(&l->spec, i) = at;
    at += doubles_of(&l->spec, i);
  }
  const uint64_t sum = in->sum;
  uint64_t written = 0;
  return get(in, &written, sizeof written) && written == sum ? NULL : "it is damaged: its checksum does not match";
}

odev_status odev_make_emulator_from_file(const odev_uri *uri, odev_backend *backend, void **context) {
  if (uri->count || uri->of)
    return odev_fail(ODEV_ERR_ARGUMENT, "an emulator's file takes no options, not '%s'", uri->of ? "of" : uri->keys[0]);
  stream in = {.file = fopen(uri->name, "rb")};
  if (!in.file)
    return odev_fail(ODEV_ERR_NOT_FOUND,
                     "there is no emulator's file %s: %s (from C, a profile's device is opened by a file that "
                     "Python wrote: docs/backends.md)",
                     uri->name, strerror(errno));
  loaded l;
  memset(&l, 0, sizeof l);
  const char *problem = read_file(&in, &l);
  fclose(in.file);
  const odev_status status = problem ? odev_fail(ODEV_ERR_ARGUMENT, "%s cannot be used: %s", uri->name, problem)
                               : odev_make_emulator(&l.spec, &l.sheet, backend, context);
  free(l.values);
  return status;
}
