"""`opticonv demo`: the whole system on sample photographs."""
