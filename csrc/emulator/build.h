/* build.h - making and freeing the emulator's model. */
#ifndef ODEV_EMULATOR_BUILD_H
#define ODEV_EMULATOR_BUILD_H

#include "model.h"
#include "optical_emulator.h"

int odev_emulator_model_init(odev_emulator_model *model, const odev_emulator_spec *spec);
void odev_emulator_model_free(odev_emulator_model *model);

#endif
