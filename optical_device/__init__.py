"""The emulated device: its profiles, its fabrication, and its physics written to be read.

Only ``driver/backends/`` and the twin fit may import this package: it knows the truth that a
calibration has to find.
"""
