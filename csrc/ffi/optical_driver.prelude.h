/* optical_driver.prelude.h - what cffi's generated file includes. */
#include "optical_backend.h"
#include "optical_convolution.h"
#include "optical_driver.h"
#include "optical_emulator.h"
#include "testing/canary.h"
#include "testing/handover.h"
#include "testing/stages.h"
