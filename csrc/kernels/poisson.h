/* poisson.h - quantiles of the Poisson distribution, for cameras whose converter shows single electrons.
 *
 * In double and one pixel at a time: this mode is for few electrons, and exact rather than fast.
 */
#ifndef ODEV_POISSON_H
#define ODEV_POISSON_H

/* Electrons of mean `mean` at the probability (word / 2^8 + 1/2) 2^-24: the smallest k whose distribution
 * function reaches it; from a mean of 64 on, the expansion of Cornish and Fisher to second order. */
double odev_poisson_electrons(double mean, unsigned word);

#endif
