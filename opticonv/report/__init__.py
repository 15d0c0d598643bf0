"""`opticonv report`: pictures, figures and where they come from, on one page."""
