"""Demo county, stage, catchers, rehearsal and benchmarks: never loaded in production."""
