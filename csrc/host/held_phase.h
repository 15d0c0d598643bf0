/* held_phase.h - the second phi heater of every pixel, which holds still while only the sum of both counts. */
#ifndef ODEV_HELD_PHASE_H
#define ODEV_HELD_PHASE_H

#include "codec.h"
#include "../kernels/planes.h"

/* Heaters' phases lie in a window of one turn about this one. */
#define ODEV_MIDDLE_TURNS 0.675

/* Fills in the codec's held planes from its heaters' (three plain planes and a halo plane of the arena); nonzero
 * when there is no memory. */
int odev_hold_phi_b(odev_codec *codec, odev_arena *arena);

#endif
