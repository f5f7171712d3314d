#!/usr/bin/env bash
# Run a command (default: the tests) against a private PostgreSQL of its own: a fresh cluster in a temporary folder on a
# free loopback port, stopped and removed at the end. Needs the server's programs (Debian: apt-get install postgresql).
set -euo pipefail
PYTEST=${PYTEST:-.venv/bin/pytest}
bin=${PGBIN:-$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)}
bin=${bin:-$(dirname "$(command -v initdb)")}
[ -x "$bin/initdb" ] || { echo "PostgreSQL's server programs were not found (initdb). Install the postgresql package." >&2; exit 1; }

dir=$(mktemp -d /tmp/bell-pg.XXXXXX)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# PostgreSQL refuses to run as root: there it runs as the package's own user.
as() { if [ "$(id -u)" = 0 ]; then (cd "$dir" && runuser -u postgres -- "$@"); else "$@"; fi; }
[ "$(id -u)" = 0 ] && chown postgres "$dir"
stop() { as "$bin/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$dir"; }
trap stop EXIT

# Nothing here outlives the command, so nothing waits for the disk; and the many small queries are not worth compiling.
tuned="-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c wal_level=minimal -c max_wal_senders=0"
tuned="$tuned -c max_wal_size=4GB -c checkpoint_timeout=1h -c shared_buffers=256MB -c jit=off"
# A test's rows are there for moments. Tables that are read for statistics while they happen to be empty make the planner
# believe that they stay so, and two hundred rows then take minutes.
tuned="$tuned -c autovacuum=off"

as "$bin/initdb" -D "$dir/data" -U bell -A trust --encoding UTF8 --no-sync >/dev/null
as "$bin/pg_ctl" -D "$dir/data" -w -l "$dir/log" \
  -o "-c listen_addresses=127.0.0.1 -p $port -c unix_socket_directories=$dir $tuned" start >/dev/null
as "$bin/createdb" -h 127.0.0.1 -p "$port" -U bell bell
export DATABASE_URL="postgres://bell@127.0.0.1:$port/bell"
if [ $# -gt 0 ]; then "$@"; else "$PYTEST"; fi
