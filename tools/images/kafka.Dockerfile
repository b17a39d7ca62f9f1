# Stands for apache/kafka where no registry is: the jars where that image has them, and Debian's Java. No entrypoint is
# needed: the chart starts the broker itself. Give the jars by --build-context jars=build/kafka/libs.
ARG BASE=docker.io/library/debian:bookworm-slim

FROM scratch AS jars

FROM ${BASE}
# Java's packages link into the manual's folders, which a slim base has not.
RUN mkdir -p /usr/share/man/man1 \
    && apt-get update \
    && apt-get install --yes --no-install-recommends openjdk-17-jre-headless \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/*
COPY --from=jars / /opt/kafka/libs/
USER 1000:1000
