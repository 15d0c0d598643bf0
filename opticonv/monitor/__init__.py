"""`opticonv monitor`: a device's telemetry, live."""
