"""Benchmarks: each beside its comparator, in the same run, on whatever machine and database is at hand."""
