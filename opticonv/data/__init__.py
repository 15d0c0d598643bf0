"""`opticonv data`: photographs to train on, from the archive to 256² files with their licences."""
