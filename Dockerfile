# hybridd in a container: the watcher alone, as a user without rights, with its state on a volume.
# Everything is installed from the lock files; no compiler reaches the image that runs.
FROM node:22-bookworm-slim AS web
COPY packaging/web/package.json packaging/web/package-lock.json /web/
RUN cd /web && npm ci --ignore-scripts --omit=dev --no-audit --no-fund


FROM python:3.13-slim-bookworm AS build

# systemd-python and sdnotify have no wheels; libsystemd is what the first compiles against.
RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc pkg-config libsystemd-dev \
 && rm -rf /var/lib/apt/lists/*

RUN python -m venv /opt/hybridd
ENV PATH=/opt/hybridd/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1

# Before the source, so that a change of the source does not install the libraries anew.
COPY requirements/build.txt requirements/runtime.txt /src/requirements/
RUN pip install --require-hashes -r /src/requirements/build.txt \
 && pip install --no-build-isolation --require-hashes -r /src/requirements/runtime.txt

COPY pyproject.toml README.md LICENSE /src/
COPY hybridd /src/hybridd
COPY --from=web /web/node_modules/lightweight-charts/LICENSE /src/hybridd/dashboard/static/lightweight-charts.LICENSE.txt
COPY --from=web /web/node_modules/lightweight-charts/dist/lightweight-charts.standalone.production.js \
 /src/hybridd/dashboard/static/lightweight-charts.js
RUN pip install --no-deps --no-build-isolation /src


FROM python:3.13-slim-bookworm

# libsystemd0: systemd-python loads it. ca-certificates: what the exchange's and the mail server's are checked against.
RUN apt-get update \
 && apt-get install -y --no-install-recommends libsystemd0 ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /var/lib/hybridd --create-home --shell /usr/sbin/nologin hybridd \
 && chmod 0700 /var/lib/hybridd

COPY --from=build /opt/hybridd /opt/hybridd
# The sample: every key at its default. A file of your own goes over it, or HYBRIDD_SECTION__KEY variables do.
COPY etc/hybridd.toml /etc/hybridd.toml

ENV PATH=/opt/hybridd/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DATABASE_URL=sqlite:////var/lib/hybridd/state.db

USER hybridd
WORKDIR /var/lib/hybridd
# What is not on a volume is gone with the container: the memory of what was told, and every trade.
VOLUME /var/lib/hybridd

# status: 0 is well; 3 is degraded, stopped or silent, which Docker wants as 1.
HEALTHCHECK --interval=1m --timeout=20s --start-period=2m --retries=3 CMD ["sh", "-c", "hybridd status || exit 1"]

# SIGTERM ends it in order within five seconds.
STOPSIGNAL SIGTERM
ENTRYPOINT ["hybridd"]
CMD ["run"]
