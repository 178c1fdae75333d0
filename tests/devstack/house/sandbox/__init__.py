"""The smallest vendor that the launcher can start."""
