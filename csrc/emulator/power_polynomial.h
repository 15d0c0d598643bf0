/* power_polynomial.h - a heater's power without root and division. */
#ifndef ODEV_POWER_POLYNOMIAL_H
#define ODEV_POWER_POLYNOMIAL_H

/* 2 / (1 + sqrt(1 + x)) on [0, most] as a polynomial of ODEV_POWER_TERMS terms, lowest first, within 2^-26.
 * Returns 0 when `most` is too large for that. */
int odev_power_polynomial(double most, float *coefficient);

#endif
