"""`opticonv train`: train a super-resolution network, and watch it."""
