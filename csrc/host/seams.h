/* seams.h - what light reads beyond a segment's own input, and its correction. */
#ifndef ODEV_SEAMS_H
#define ODEV_SEAMS_H

#include "electronics.h"

/* Whether each segment has room for its seam; without `allowed`, light must carry all. */
odev_status odev_check_seams(const odev_tiles *tiles, const float *seams, int allowed);

/* The seam of one segment in one plane, from its tile as light gets it. */
void odev_cut_seam(const odev_cut_job *job, uint32_t segment, uint32_t plane, const float *tile);

#endif
