"""Whether the web process of this container answers: the health check of the image. Exit status 0 or 1.

It asks as the proxy does: by a host name that the site answers to, and as if over https, so that it is not sent away.
"""

import http.client
import os
import sys

_PORT, _SECONDS = 8000, 4.0


def main() -> int:
    """Ask /gateways/health/ on this machine."""
    host = os.environ.get("BELL_ALLOWED_HOSTS", "localhost").split(",")[0].strip().lstrip(".")
    line = http.client.HTTPConnection("127.0.0.1", _PORT, timeout=_SECONDS)
    try:
        line.request("GET", "/gateways/health/", headers={"Host": host, "X-Forwarded-Proto": "https"})
        status = line.getresponse().status
    except OSError:
        return 1
    # Without BELL_BEHIND_PROXY the answer to plain http is a redirect to https: the process lives.
    return 0 if status in (200, 301) else 1


if __name__ == "__main__":
    sys.exit(main())
