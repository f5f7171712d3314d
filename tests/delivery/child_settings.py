"""Settings of a worker that a test starts and kills: the tests' own, with this room only, so that it starts quickly."""

from tests.settings import *  # noqa: F403

INSTALLED_APPS = ["bell.delivery"]
