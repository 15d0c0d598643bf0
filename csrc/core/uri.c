/* uri.c - the grammar of device URIs, for C and Python alike: SCHEME:NAME?KEY=VALUE&KEY=VALUE&of=URI. */
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "optical_backend.h"

enum { MAX_OPTIONS = 256 };

/* The URI, its lists and its text, in one allocation. */
typedef struct {
  odev_uri uri;
  const char *keys[MAX_OPTIONS], *values[MAX_OPTIONS];
  char text[];
} parsed_uri;

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* Replaces %XX in place.  A % that two hex digits don't follow stays one; %00 would end the text. */
static void decode_percent(char *text) {
  char *to = text;
  for (const char *from = text; *from; ++from, ++to) {
    *to = *from;
    const int high = *from == '%' ? hex_digit(from[1]) : -1;
    const int low = high >= 0 ? hex_digit(from[2]) : -1;
    if (low < 0 || high + low == 0) continue;
    *to = (char)(16 * high + low);
    from += 2;
  }
  *to = '\0';
}

static odev_status split_options(parsed_uri *p, char *query, const char *whole) {
  while (query && *query) {
    if (strncmp(query, "of=", 3) == 0) {
      p->uri.of = query + 3;
      return ODEV_OK;
    }
    char *next = strchr(query, '&');
    if (next) *next++ = '\0';
    char *value = strchr(query, '=');
    if (*query && p->uri.count == MAX_OPTIONS)
      return odev_fail(ODEV_ERR_ARGUMENT, "a device URI has at most %d options", (int)MAX_OPTIONS);
    if (*query && (!value || value == query))
      return odev_fail(ODEV_ERR_ARGUMENT, "'%s' in '%s' must be KEY=VALUE", query, whole);
    if (*query) {
      *value++ = '\0';
      decode_percent(query);
      decode_percent(value);
      if (odev_uri_value(&p->uri, query))
        return odev_fail(ODEV_ERR_ARGUMENT, "'%s' stands twice in '%s'", query, whole);
      p->keys[p->uri.count] = query;
      p->values[p->uri.count++] = value;
    }
    query = next;
  }
  return ODEV_OK;
}

odev_status odev_uri_parse(const char *text, odev_uri **uri) {
  if (!text || !uri) return odev_fail(ODEV_ERR_ARGUMENT, "text and uri must not be null");
  const size_t size = strlen(text) + 1;
  parsed_uri *p = calloc(1, sizeof *p + size);
  if (!p) return odev_fail(ODEV_ERR_MEMORY, "out of memory for a device URI");
  memcpy(p->text, text, size);
  char *name = strchr(p->text, ':');
  if (!name || name == p->text) {
    free(p);
    return odev_fail(ODEV_ERR_NOT_FOUND, "'%s' has no scheme; a device URI is like null:64 or emulator:lab", text);
  }
  *name++ = '\0';
  char *query = strchr(name, '?');
  if (query) *query++ = '\0';
  p->uri = (odev_uri){.scheme = p->text, .name = name, .keys = p->keys, .values = p->values};
  const odev_status status = split_options(p, query, text);
  if (status != ODEV_OK) {
    free(p);
    return status;
  }
  *uri = &p->uri;
  return ODEV_OK;
}

void odev_uri_free(odev_uri *uri) { free(uri); } /* the first member of its parsed_uri */

const char *odev_uri_value(const odev_uri *uri, const char *key) {
  for (uint32_t i = 0; i < uri->count; ++i)
    if (strcmp(uri->keys[i], key) == 0) return uri->values[i];
  return NULL;
}

/* Insertions, deletions and replacements from one word to the other. */
static size_t edit_distance(const char *a, size_t a_size, const char *b, size_t b_size) {
  enum { LONGEST = 40 };
  size_t row[LONGEST + 1];
  if (a_size > LONGEST || b_size > LONGEST) return LONGEST;
  for (size_t j = 0; j <= b_size; ++j) row[j] = j;
  for (size_t i = 1; i <= a_size; ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b_size; ++j) {
      size_t least = diagonal + (a[i - 1] != b[j - 1]);
      if (row[j] + 1 < least) least = row[j] + 1;
      if (row[j - 1] + 1 < least) least = row[j - 1] + 1;
      diagonal = row[j];
      row[j] = least;
    }
  }
  return row[b_size];
}

const char *odev_nearest_word(const char *word, const char *const *words) {
  const size_t size = strlen(word);
  size_t least = size / 3 + 2; /* so many slips at most, or it was meant to be something else */
  const char *nearest = NULL;
  for (; *words; ++words) {
    const size_t distance = edit_distance(word, size, *words, strlen(*words));
    if (distance < least && distance < size) {
      least = distance;
      nearest = *words;
    }
  }
  return nearest;
}
