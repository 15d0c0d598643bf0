"""`opticonv device`: what a device is."""
