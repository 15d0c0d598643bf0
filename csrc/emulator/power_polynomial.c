/* power_polynomial.c - Chebyshev interpolation of a heater's power. */
#include "power_polynomial.h"

#include <math.h>

#include "model.h"

enum { TERMS = ODEV_POWER_TERMS };

/* Seen from the interval, the branch point at -1 lies at -1 - 2/most halves of it from the middle; the error
 * of seven terms is 2^-26 at 0.5. */
static const double MOST = 0.5;

static double ratio(double x) { return 2 / (1 + sqrt(1 + x)); }

int odev_power_polynomial(double most, float *coefficient) {
  const double pi = 3.14159265358979323846;
  if (!(most <= MOST)) return 0;
  const double half = 0.5 * most;
  double chebyshev[TERMS];
  for (int k = 0; k < TERMS; ++k) {
    chebyshev[k] = 0;
    for (int j = 0; j < TERMS; ++j) {
      const double angle = pi * (j + 0.5) / TERMS;
      chebyshev[k] += (k ? 2.0 : 1.0) / TERMS * ratio(half + half * cos(angle)) * cos(k * angle);
    }
  }
  if (half == 0) {
    for (int k = 0; k < TERMS; ++k) coefficient[k] = k == 0;
    return 1;
  }
  /* sum_k c_k T_k(t), t = x / half - 1, in powers of x: each T_k from the two before it. */
  double before[TERMS] = {1}, now[TERMS] = {-1, 1 / half}, sum[TERMS] = {0};
  for (int k = 0; k < TERMS; ++k) {
    for (int i = 0; i < TERMS; ++i) sum[i] += chebyshev[k] * before[i];
    double next[TERMS];
    for (int i = 0; i < TERMS; ++i) next[i] = 2 * ((i ? now[i - 1] / half : 0) - now[i]) - before[i];
    for (int i = 0; i < TERMS; ++i) before[i] = now[i], now[i] = next[i];
  }
  for (int i = 0; i < TERMS; ++i) coefficient[i] = (float)sum[i];
  return 1;
}
