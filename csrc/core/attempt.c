/* attempt.c - lost frames are repeated, a jump of the clock is followed, an interlock latches. */
#include "attempt.h"

#include <string.h>

#include "error.h"

static int may_be_repeated(odev_status status) {
  return status == ODEV_ERR_FRAME_LOST || status == ODEV_ERR_SHORT_READ || status == ODEV_ERR_NO_ANSWER;
}

/* The block from a frame on; `again`: that frame was written before, and its own codes came last. */
static odev_block rest_of(const odev_block *block, size_t code_bytes, size_t frame_bytes, int64_t frame_ns,
                          const odev_attempt *a, int again) {
  odev_block rest = *block;
  const char *codes = (const char *)block->codes + a->done * code_bytes;
  rest.frames -= a->done;
  rest.first_frame += a->done + a->lost;
  rest.start_ns += (int64_t)a->done * frame_ns + a->late_ns;
  rest.codes = codes;
  if (again)
    rest.previous_codes = codes;
  else if (a->done)
    rest.previous_codes = codes - code_bytes;
  rest.launch_step += (size_t)a->done * block->exposures;
  rest.counts = (char *)block->counts + a->done * frame_bytes;
  return rest;
}

odev_attempt odev_attempt_block(odev_device *device, const odev_block *block, size_t frame_bytes,
                                int64_t frame_ns) {
  odev_attempt a = {.status = ODEV_ERR_BACKEND};
  int again = 0; /* how often the frame at a.done has been lost */
  for (;;) {
    const odev_block rest = rest_of(block, odev_code_bytes(&device->caps), frame_bytes, frame_ns, &a, again > 0);
    memset(&a.report, 0, sizeof a.report);
    a.status = device->backend.execute_block(device->context, &rest, &a.report);
    a.report.message[sizeof a.report.message - 1] = '\0';
    if (a.report.clock_jump_ns) ++a.clock_jumps;
    /* The driver's clock never goes back. */
    if (a.report.clock_jump_ns > 0 && a.report.clock_jump_ns < ODEV_CLOCK_MAX_NS - rest.start_ns)
      a.late_ns += a.report.clock_jump_ns;
    if (a.status == ODEV_OK) {
      a.done = block->frames;
      a.begun = 0;
      return a;
    }
    const uint32_t done = a.report.frames_done < rest.frames ? a.report.frames_done : rest.frames - 1;
    a.done += done;
    if (done) again = 0;
    if (!may_be_repeated(a.status)) return a;
    a.begun = 1;
    ++a.lost;
    a.late_ns += frame_ns;
    if (device->caps.concurrent || ++again > ODEV_MAX_REPEATS) return a;
  }
}

odev_status odev_check_interlock(odev_device *device) {
  pthread_mutex_lock(&device->lock);
  const uint32_t tripped = device->counters.interlock;
  pthread_mutex_unlock(&device->lock);
  if (!tripped) return ODEV_OK;
  return odev_fail(ODEV_ERR_INTERLOCK, "the laser of %s has tripped and is off; set laser_enabled to 1 to go on",
                   device->caps.serial);
}

odev_status odev_fail_attempt(odev_device *device, const odev_attempt *attempt) {
  if (attempt->status == ODEV_ERR_INTERLOCK) {
    pthread_mutex_lock(&device->lock);
    device->counters.interlock = 1;
    device->laser_enabled = 0;
    pthread_mutex_unlock(&device->lock);
  }
  const odev_origin origin = {attempt->report.native_code, attempt->report.cause};
  return odev_fail_from(origin, attempt->status,
                        attempt->report.message[0] ? attempt->report.message : "the backend failed and does not say why");
}

void odev_note_attempts(odev_device *device, uint64_t lost, uint32_t clock_jumps, odev_result *result) {
  result->lost += lost;
  if (clock_jumps) {
    result->flags |= ODEV_FLAG_CLOCK_JUMP;
    device->pilot.time_ns = -1;
  }
  pthread_mutex_lock(&device->lock);
  device->counters.lost += lost;
  device->counters.clock_jumps += clock_jumps;
  pthread_mutex_unlock(&device->lock);
}
