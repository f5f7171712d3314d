"""Property tests here have no time limit a case: two cores are shared, and a first call may read large tables."""

from hypothesis import settings

settings.register_profile("bell", deadline=None)
settings.load_profile("bell")
