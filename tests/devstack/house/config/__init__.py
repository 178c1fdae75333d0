"""The smallest product that the launcher can start."""
