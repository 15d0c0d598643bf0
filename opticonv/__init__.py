"""The command line of the optical computer: `opticonv devices | calibrate | upscale | demo`."""
