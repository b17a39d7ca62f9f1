# Stands in for apache/kafka where no registry is in reach: its jars (make kafka) on Debian's Java.
ARG BASE=docker.io/library/debian:bookworm-slim
FROM ${BASE}
RUN apt-get update \
    && apt-get install --yes --no-install-recommends openjdk-17-jre-headless \
    && rm -rf /var/lib/apt/lists/*
COPY *.jar /opt/kafka/libs/
USER 10001:10001
