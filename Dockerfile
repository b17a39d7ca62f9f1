# A target for each image; docs/images.md tells how to build and what to choose.
ARG BASE=docker.io/library/debian:bookworm-slim

# What every service runs on: the base, its Python, a user, and certificates to trust unless the base brings its own.
FROM ${BASE} AS python
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 \
        $([ -e /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates) \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/cache/debconf/*-old /var/log/* \
    && groupadd --gid 10001 sightline \
    && useradd --uid 10001 --gid 10001 --home-dir /tmp --no-create-home --shell /usr/sbin/nologin sightline
ENV PATH=/opt/sightline/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp

# pip and the compiler stay here. The environment that services get has no pip.
FROM python AS builder
RUN apt-get update \
    && apt-get install --yes --no-install-recommends binutils gcc libc6-dev python3-dev python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && python3 -m venv /opt/pip \
    && python3 -m venv --without-pip /opt/sightline
COPY tools/images/inside /opt/inside
# A cache of downloads, that a change of a lock fetches what is new only.
ENV PIP_CACHE_DIR=/var/cache/pip PIP_DISABLE_PIP_VERSION_CHECK=1

FROM builder AS stream-joiner-packages
COPY requirements/stream-joiner.lock /opt/locked.txt
RUN --mount=type=cache,target=/var/cache/pip /opt/inside/packages.sh /opt/locked.txt

FROM builder AS featurizer-cpu-packages
COPY requirements/featurizer-cpu.lock /opt/locked.txt
RUN --mount=type=cache,target=/var/cache/pip /opt/inside/packages.sh /opt/locked.txt

# Gigabytes: no cache of them beside the layer.
FROM builder AS featurizer-gpu-packages
COPY requirements/featurizer-gpu.lock /opt/locked.txt
RUN PIP_NO_CACHE_DIR=1 /opt/inside/packages.sh /opt/locked.txt

FROM builder AS alerting-packages
COPY requirements/alerting.lock /opt/locked.txt
RUN --mount=type=cache,target=/var/cache/pip /opt/inside/packages.sh /opt/locked.txt

# The one layer a change of the code makes anew, the same in every image.
FROM builder AS code
COPY requirements/build.lock /opt/locked.txt
RUN --mount=type=cache,target=/var/cache/pip /opt/pip/bin/pip install --quiet --require-hashes -r /opt/locked.txt
WORKDIR /src
COPY LICENSE README.md pyproject.toml setup.py ./
COPY services services
COPY sightline sightline
RUN /opt/inside/code.sh

# Version and revision are labels given to the build by --label: no layer depends on them.
FROM python AS service
LABEL org.opencontainers.image.vendor="Sightline" \
      org.opencontainers.image.licenses="Apache-2.0"
USER 10001:10001
WORKDIR /

FROM service AS stream-joiner
COPY --from=stream-joiner-packages /opt/sightline /opt/sightline
COPY --from=code /opt/sightline /opt/sightline
LABEL org.opencontainers.image.title="stream-joiner" \
      org.opencontainers.image.description="Joins events with tables, has their images scored, sends what is left on"
EXPOSE 8080
ENTRYPOINT ["python", "-m", "services.stream_joiner"]

FROM service AS featurizer-cpu
COPY --from=featurizer-cpu-packages /opt/sightline /opt/sightline
COPY --from=code /opt/sightline /opt/sightline
LABEL org.opencontainers.image.title="featurizer-cpu" \
      org.opencontainers.image.description="Scores images on CPUs: LiteRT, TensorFlow"
EXPOSE 8080 8500
ENTRYPOINT ["python", "-m", "services.featurizer"]

FROM service AS featurizer-gpu
COPY --from=featurizer-gpu-packages /opt/sightline /opt/sightline
COPY --from=code /opt/sightline /opt/sightline
LABEL org.opencontainers.image.title="featurizer-gpu" \
      org.opencontainers.image.description="Scores images on NVIDIA GPUs: TensorFlow with its CUDA libraries"
# What the NVIDIA container runtime makes visible in the container.
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
EXPOSE 8080 8500
ENTRYPOINT ["python", "-m", "services.featurizer"]

FROM service AS alerting
COPY --from=alerting-packages /opt/sightline /opt/sightline
COPY --from=code /opt/sightline /opt/sightline
LABEL org.opencontainers.image.title="alerting" \
      org.opencontainers.image.description="Decides on matches, raises alerts, tells people and shows them"
EXPOSE 8080 8600
ENTRYPOINT ["python", "-m", "services.alerting"]

# The directory of exported models; given by --build-context exported-models=DIRECTORY.
FROM scratch AS exported-models

FROM ${BASE} AS models-files
RUN apt-get update \
    && apt-get install --yes --no-install-recommends busybox-static \
    && mkdir -p /files/bin /files/models \
    && cp "$(command -v busybox)" /files/bin/busybox
COPY tools/images/inside /opt/inside
COPY LICENSE /files/models/LICENSE
COPY --from=exported-models / /files/models/
RUN /opt/inside/models.sh /files/models

FROM scratch AS models
COPY --from=models-files /files /
LABEL org.opencontainers.image.title="models" \
      org.opencontainers.image.description="Exported networks under /models, and what copies them to where services read them" \
      org.opencontainers.image.vendor="Sightline" \
      org.opencontainers.image.licenses="Apache-2.0 AND GPL-2.0-only"
USER 10001:10001
ENTRYPOINT ["/bin/busybox"]
CMD ["cp", "-r", "/models/.", "/target/"]
