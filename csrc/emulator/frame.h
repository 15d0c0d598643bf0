/* frame.h - one frame through the physics, stage by stage. */
#ifndef ODEV_EMULATOR_FRAME_H
#define ODEV_EMULATOR_FRAME_H

#include "../kernels/kernels.h"
#include "light.h"
#include "workspace.h"

/* Temperature of the chip above its carrier [K]; of the hotter chip, where there are two. */
double odev_chip_rise_k(const odev_emulator_model *model, const odev_moments *moments);

/* What the surroundings and the substrate add to theta, of the frame's own heat and of the one before. */
odev_theta_offset odev_theta_offset_of(const odev_emulator_model *model, odev_drift drift, const odev_moments *now,
                                       const odev_moments *before);

/* The workspace's phases `now` and of the frame before, to the spectrum on the camera. */
void odev_frame_spectrum(const odev_emulator_model *model, const odev_kernels *kernels, odev_workspace *workspace,
                         int now, const odev_theta_offset *offset, odev_drift drift);

/* Its last step: the lens in front of the camera, in place on the workspace's field. */
void odev_frame_last_lens(const odev_emulator_model *model, const odev_kernels *kernels, odev_workspace *workspace,
                          odev_drift drift);

#endif
