/* library.c - "library:PATH", a backend from a shared library that is not part of this one.
 *
 * The library is closed after its backend: until then its functions are in the core's table. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../core/error.h"
#include "schemes.h"

typedef struct {
  void *library;
  odev_backend backend;
  void *context;
} loaded;

static odev_status get_caps(void *context, odev_caps *caps) {
  const loaded *l = context;
  return l->backend.get_caps(l->context, caps);
}
static odev_status get_data_sheet(void *context, odev_data_sheet *sheet) {
  const loaded *l = context;
  return l->backend.get_data_sheet(l->context, sheet);
}
static odev_status execute_block(void *context, const odev_block *block, odev_report *report) {
  const loaded *l = context;
  return l->backend.execute_block(l->context, block, report);
}
static odev_status read_sensors(void *context, uint64_t reading, double laser_mw, const void *codes,
                                odev_telemetry_data *telemetry, odev_report *report) {
  const loaded *l = context;
  return l->backend.read_sensors(l->context, reading, laser_mw, codes, telemetry, report);
}
static void close_library(void *context) {
  loaded *l = context;
  if (l->backend.close) l->backend.close(l->context);
  dlclose(l->library);
  free(l);
}

/* A path without a slash would be looked for elsewhere than here. */
static void *load(const char *name) {
  char path[4096];
  const int size = snprintf(path, sizeof path, "%s%s", strchr(name, '/') ? "" : "./", name);
  return size > 0 && (size_t)size < sizeof path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
}

static odev_status open_loaded(loaded *l, const odev_uri *uri) {
  union {
    void *object;
    odev_backend_open_function function;
  } symbol = {dlsym(l->library, ODEV_BACKEND_OPEN_SYMBOL)}; /* POSIX: the two have the same representation */
  if (!symbol.object)
    return odev_fail(ODEV_ERR_NOT_FOUND, "%s is no backend: it has no symbol " ODEV_BACKEND_OPEN_SYMBOL, uri->name);
  odev_report report = {0};
  const odev_status status = symbol.function(uri, &l->backend, &l->context, &report);
  report.message[sizeof report.message - 1] = '\0';
  if (status != ODEV_OK)
    return odev_fail_from((odev_origin){report.native_code, report.cause}, status,
                          report.message[0] ? report.message : "the library could not open its device");
  if (l->backend.struct_size == sizeof l->backend && l->backend.abi_version == ODEV_ABI_VERSION) return ODEV_OK;
  const uint32_t version = l->backend.abi_version;
  memset(&l->backend, 0, sizeof l->backend); /* not a table of ours: its close is not where we think */
  return odev_fail(ODEV_ERR_BACKEND, "%s was built for version %u of the interface; this is version %u", uri->name,
                   version, ODEV_ABI_VERSION);
}

odev_status odev_make_library(const odev_uri *uri, odev_backend *backend, void **context) {
  if (!*uri->name) return odev_fail(ODEV_ERR_ARGUMENT, "library: needs the path of a shared library");
  loaded *l = calloc(1, sizeof *l);
  if (!l) return odev_fail(ODEV_ERR_MEMORY, "out of memory for a library's backend");
  l->library = load(uri->name);
  if (!l->library) {
    const char *why = dlerror();
    free(l);
    return odev_fail(ODEV_ERR_NOT_FOUND, "the library cannot be loaded: %s", why ? why : uri->name);
  }
  const odev_status status = open_loaded(l, uri);
  if (status != ODEV_OK) {
    dlclose(l->library); /* what it opened, it closed */
    free(l);
    return status;
  }
  *backend = l->backend;
  backend->get_caps = l->backend.get_caps ? get_caps : NULL;
  backend->get_data_sheet = l->backend.get_data_sheet ? get_data_sheet : NULL;
  backend->execute_block = l->backend.execute_block ? execute_block : NULL;
  backend->read_sensors = l->backend.read_sensors ? read_sensors : NULL;
  backend->close = close_library;
  *context = l;
  return ODEV_OK;
}
