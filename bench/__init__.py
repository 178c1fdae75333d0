"""Benchmarks and the replay: programs of their own, run by ./run bench and ./run replay."""
