"""`opticonv evaluate`: how good enlargements are, picture by picture and with intervals."""
