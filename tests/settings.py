"""Settings of the tests: the real ones, with a throw-away key, quick passwords and invented people only."""

import os
import tempfile
from pathlib import Path

# A folder for each worker of a parallel run (pytest -n) and none shared: its files, its SQLite database. Processes that
# a test starts get the folder of that test by the environment, so they find the same files and database.
RUN_DIR = (
    Path(tempfile.gettempdir()) / f"bell-test-{os.getuid()}-{os.environ.setdefault('BELL_TEST_RUN', str(os.getpid()))}"
)
_var = RUN_DIR / os.environ.get("PYTEST_XDIST_WORKER", "alone")
os.environ["BELL_VAR_DIR"] = str(_var)
os.environ.setdefault("BELL_SECRET_KEY", "a key for tests only, never used anywhere else at all")
os.environ.setdefault("BELL_INVENTED_ONLY", "1")
os.environ.setdefault("BELL_DEMO", "1")
os.environ.setdefault("BELL_SMS_GATEWAY_SECRET", "secret-of-the-test-gateway")
(_var / "static").mkdir(parents=True, exist_ok=True)

from bell.config.settings import *  # noqa: E402, F403 (the environment above must be set first)
from bell.config.settings import DATABASES, MIDDLEWARE  # noqa: E402 (as above)

if os.environ.get("BELL_SLOW_PAGES"):
    MIDDLEWARE.insert(0, "tests.browser.slow.SlowPages")
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, never the in-memory default: a live server and a worker must share it as in life.
    DATABASES["default"]["TEST"] = {"NAME": str(_var / "test.sqlite3")}
    # Tests kill processes, which loses nothing that was written; only a machine without power needs every write synced.
    DATABASES["default"]["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL;PRAGMA synchronous=OFF"
