"""The pages of charging, one file each."""
