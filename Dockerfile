# The image of loadgate: the binary, the shipped plans and rules, nothing else; runs as user 10001.
#
#   docker build -t loadgate .
#   docker build -t loadgate --build-arg BINARY=registry.example.com/loadgate-binary:1 .   # /loadgate of that image
#
# The second form leaves out the compiler: whoever has built the binary before (a release pipeline, the test of
# docker-compose.yml) puts it into an image as /loadgate. It takes BuildKit, which is docker's default since 23.0: the
# older builder goes through all stages, also those that nothing needs.
ARG BINARY=build
ARG RUST=rust:1.90-bookworm

FROM ${RUST} AS build
WORKDIR /src
ENV CARGO_PROFILE_RELEASE_DEBUG=0 CARGO_PROFILE_RELEASE_STRIP=symbols
# The dependencies first, with a library and a program that are empty: a layer that is made anew only when Cargo.lock
# changes.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src && touch src/lib.rs && echo 'fn main() {}' > src/main.rs \
    && cargo build --release --locked --bin loadgate \
    && rm -rf src
COPY . .
# cargo goes by the time of files, which COPY keeps: those of the empty ones are newer.
RUN touch src/lib.rs src/main.rs \
    && cargo build --release --locked --bin loadgate \
    && cp target/release/loadgate /loadgate

FROM ${BINARY} AS binary

FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="loadgate" \
    org.opencontainers.image.description="A Prometheus-native load-test harness and exporter: alert rules decide pass or fail" \
    org.opencontainers.image.licenses="Apache-2.0"
# A volume that is mounted here first takes owner and mode from these folders.
RUN install -d -o 10001 -g 10001 -m 0700 /var/lib/loadgate /run/loadgate \
    && install -d -o 10001 -g 10001 -m 0755 /run/grafana
COPY --from=binary /loadgate /usr/local/bin/loadgate
WORKDIR /opt/loadgate
COPY config config
COPY alerting alerting
USER 10001:10001
EXPOSE 5665
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["loadgate", "healthcheck"]
ENTRYPOINT ["loadgate"]
# Without arguments: the chat plan, steered by BASE_URL, WS_URL, VUS, DURATION and what else it declares.
CMD ["run", "config/plans/chat-streaming.yml"]
