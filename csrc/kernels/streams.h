/* streams.h - what a random number is for: the low byte of the fourth counter word.  The exposure's
 * index lies above it. */
#ifndef ODEV_STREAMS_H
#define ODEV_STREAMS_H
enum { ODEV_STREAM_CAMERA = 1, ODEV_STREAM_LASER = 2, ODEV_STREAM_TELEMETRY = 3, ODEV_STREAM_READ = 4 };
#endif
