/* fuzz_main.c - drives a fuzz target: mutates inputs and keeps those that reach new code.
 *
 *     fuzz_NAME [-runs=N] [-seed=N] [-max_len=N] [-dict=FILE] [FILE ...]
 *
 * With files it runs those alone, once each.  The options are libFuzzer's; a dictionary has a "word" a
 * line, without escapes.  What is under test is built with -fsanitize-coverage=trace-pc, which GCC has;
 * an input on which it dies or takes longer than TIME_LIMIT_S is left as crash-NAME in the working folder.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "fuzz.h"

enum { MOST_BYTES = 4096, MOST_INPUTS = 4096, MOST_WORDS = 256, EDGES = 1 << 16, TIME_LIMIT_S = 20 };

typedef struct {
  uint8_t *data;
  size_t size;
} input;

static input corpus[MOST_INPUTS];
static size_t corpus_count;
static char words[MOST_WORDS][32]; /* the dictionary's */
static size_t word_count;
static uint8_t now[MOST_BYTES];
static size_t now_size, max_len = 1024;
static const char *name = "input";
static uint64_t random_state = 1;

static uint8_t seen[EDGES];
static size_t seen_count;
static int seen_new;
static _Thread_local uintptr_t previous;

/* Called at every basic block of what is under test: an edge is a block after another. */
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void) {
  const uintptr_t here = (uintptr_t)__builtin_return_address(0);
  const size_t edge = (here ^ (here >> 16) ^ (previous << 1)) % EDGES;
  previous = here;
  if (seen[edge]) return;
  seen[edge] = 1;
  ++seen_count;
  seen_new = 1;
}

static void keep_what_it_died_on(void) {
  char path[256];
  snprintf(path, sizeof path, "crash-%s", name);
  FILE *file = fopen(path, "wb");
  if (!file) return;
  fwrite(now, 1, now_size, file);
  fclose(file);
  fprintf(stderr, "%s: the input is in %s (%zu bytes)\n", name, path, now_size);
}

static void died(int signal_number) {
  keep_what_it_died_on();
  fprintf(stderr, "%s: signal %d\n", name, signal_number);
  _exit(1);
}

void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static uint64_t draw(void) { /* xorshift64* */
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return random_state * 0x2545f4914f6cdd1du;
}

static size_t below(size_t limit) { return limit ? (size_t)(draw() >> 16) % limit : 0; }

static void insert(size_t at, const void *bytes, size_t count) {
  if (now_size + count > max_len) return;
  memmove(now + at + count, now + at, now_size - at);
  memcpy(now + at, bytes, count);
  now_size += count;
}

static void overwrite(const void *bytes, size_t count) {
  if (now_size >= count) memcpy(now + below(now_size - count + 1), bytes, count);
}

static void mutate_once(void) {
  static const double doubles[] = {0, 1, -1, 0.5, 1e-300, 1e300, -1e300, 1e9, 4096, 1.0 / 0.0, -1.0 / 0.0, 0.0 / 0.0};
  static const float floats[] = {0, 1, -1, 1e-38f, 1e38f, -1e38f, 3, 1.0f / 0.0f, 0.0f / 0.0f};
  static const uint32_t counts[] = {0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 511, 512, 1023,
                                    16383, 16384, 65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff};
  const uint8_t byte = (uint8_t)draw();
  switch (below(11)) {
    case 0:
      if (now_size) now[below(now_size)] ^= (uint8_t)(1u << below(8));
      break;
    case 1:
      if (now_size) now[below(now_size)] = byte;
      break;
    case 2: insert(below(now_size + 1), &byte, 1); break;
    case 3: { /* take some out */
      const size_t at = below(now_size), some = 1 + below(8);
      if (at + some > now_size) break;
      memmove(now + at, now + at + some, now_size - at - some);
      now_size -= some;
      break;
    }
    case 4: overwrite(&doubles[below(sizeof doubles / sizeof *doubles)], sizeof *doubles); break;
    case 5: overwrite(&floats[below(sizeof floats / sizeof *floats)], sizeof *floats); break;
    case 6: overwrite(&counts[below(sizeof counts / sizeof *counts)], sizeof *counts); break;
    case 7:
      if (now_size) now[below(now_size)] += (uint8_t)(below(9) - 4);
      break;
    case 8: { /* a word of the dictionary */
      if (!word_count) break;
      const char *word = words[below(word_count)];
      insert(below(now_size + 1), word, strlen(word));
      break;
    }
    case 9: { /* a piece of another input */
      const input *other = &corpus[below(corpus_count)];
      const size_t at = below(other->size), some = below(other->size - at + 1);
      insert(below(now_size + 1), other->data + at, some);
      break;
    }
    default: /* all of one */
      if (now_size) memset(now, byte, 1 + below(now_size));
      break;
  }
}

static void keep(void) {
  if (corpus_count == MOST_INPUTS) return;
  input *kept = &corpus[corpus_count];
  kept->data = malloc(now_size ? now_size : 1);
  if (!kept->data) return;
  memcpy(kept->data, now, now_size);
  kept->size = now_size;
  ++corpus_count;
}

static void run_now(void) {
  /* A buffer of just its size, so that reading behind it is seen. */
  uint8_t *data = malloc(now_size ? now_size : 1);
  if (!data) return;
  memcpy(data, now, now_size);
  previous = 0;
  seen_new = 0;
  LLVMFuzzerTestOneInput(data, now_size);
  free(data);
  if (seen_new) keep();
}

static int read_words(const char *path) {
  FILE *file = fopen(path, "r");
  if (!file) return perror(path), 1;
  char line[256];
  while (word_count < MOST_WORDS && fgets(line, sizeof line, file))
    if (sscanf(line, "\"%31[^\"]\"", words[word_count]) == 1) ++word_count;
  fclose(file);
  return 0;
}

static int run_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) return perror(path), 1;
  now_size = fread(now, 1, sizeof now, file);
  fclose(file);
  run_now();
  printf("%s: %s: %zu bytes, all well\n", name, path, now_size);
  return 0;
}

int main(int argc, char **argv) {
  unsigned long long runs = 1000000;
  int files = 0, failed = 0;
  const char *slash = strrchr(argv[0], '/');
  name = slash ? slash + 1 : argv[0];
  const int signals[] = {SIGABRT, SIGSEGV, SIGFPE, SIGILL, SIGBUS, SIGALRM};
  if (__sanitizer_set_death_callback) __sanitizer_set_death_callback(keep_what_it_died_on);
  signal(SIGALRM, died);
  for (size_t i = 0; !__sanitizer_set_death_callback && i < sizeof signals / sizeof *signals; ++i)
    signal(signals[i], died);
  signal(SIGABRT, died);
  for (int i = 1; i < argc; ++i) {
    if (strncmp(argv[i], "-runs=", 6) == 0) runs = strtoull(argv[i] + 6, NULL, 10);
    else if (strncmp(argv[i], "-seed=", 6) == 0) random_state = 2 * strtoull(argv[i] + 6, NULL, 10) + 1;
    else if (strncmp(argv[i], "-max_len=", 9) == 0) max_len = strtoull(argv[i] + 9, NULL, 10);
    else if (strncmp(argv[i], "-dict=", 6) == 0) failed |= read_words(argv[i] + 6);
    else ++files, failed |= run_file(argv[i]);
  }
  if (files || failed) return failed;
  if (max_len < 1 || max_len > MOST_BYTES) max_len = MOST_BYTES;

  run_now(); /* of nothing; and of zeros: something to mutate */
  memset(now, 0, sizeof now);
  now_size = max_len / 2;
  run_now();
  keep();
  for (unsigned long long run = 0; run < runs; ++run) {
    const input *parent = &corpus[below(corpus_count)];
    memcpy(now, parent->data, parent->size);
    now_size = parent->size;
    for (size_t i = 1 + below(6); i > 0; --i) mutate_once();
    if (run % 1024 == 0) alarm(TIME_LIMIT_S);
    run_now();
  }
  alarm(0);
  printf("%s: %llu executions, %zu edges, %zu inputs kept, all well\n", name, runs, seen_count, corpus_count);
  for (size_t i = 0; i < corpus_count; ++i) free(corpus[i].data);
  return 0;
}
