# The images: `frontend`, `proxy` and `backend`, which are deployed, and `local`, which is not.
#
#   docker build --target proxy --tag acme/proxy .
#   docker build --target proxy --build-arg PROFILE=dev .     quick to build, slow to run: for tests
#   docker build --target proxy --build-arg RUNTIME_IMAGE=gcr.io/distroless/static-debian13:nonroot@sha256:… .
#
# Built with the classic builder; nothing in it is known only to that one or only to BuildKit: no cache
# mounts, no heredocs, no `# syntax=` line, which would have to be pulled.
#
# Programs are static (glibc's own static library, not musl: its allocator and resolver are not ours to
# debug), so what runs in production is the program, the certificate authorities and a user: at most 12 MB
# (docs/deploy.md, "Images", has the figures, and what `scratch` would save).
ARG BUILD_IMAGE=rust:1.95-trixie
ARG RUNTIME_IMAGE=gcr.io/distroless/static-debian13:nonroot

# Dependencies, compiled with empty crates in place of ours: this layer lasts until a Cargo.toml or
# Cargo.lock changes. rust-toolchain.toml stays out: the build image is the toolchain.
FROM ${BUILD_IMAGE} AS dependencies
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY backend/Cargo.toml backend/
COPY chassis/Cargo.toml chassis/
COPY frontend/Cargo.toml frontend/
COPY jwt/Cargo.toml jwt/
COPY local/Cargo.toml local/
COPY proxy/Cargo.toml proxy/
ARG PROFILE=release
# With an explicit target the flags hold for our programs only, not for build scripts and macros. Packed
# relocations: a program that is static and loaded anywhere has 20 000 of them, 0.5 MB as they are.
ENV RUSTFLAGS="-C target-feature=+crt-static -C link-arg=-Wl,-z,pack-relative-relocs" CARGO_INCREMENTAL=0
RUN for crate in backend chassis frontend jwt local proxy; do \
      mkdir -p $crate/src && echo 'fn main() {}' > $crate/src/main.rs && : > $crate/src/lib.rs || exit 1; \
    done \
 && cargo build --locked --workspace --profile $PROFILE --target "$(rustc --print host-tuple)" \
 && rm -r */src

# Our crates. Always the whole workspace, as above: with `-p` cargo would choose other features for some
# dependencies and compile them again. Only what is compiled is copied, so a new README compiles nothing.
FROM dependencies AS build
ARG PROFILE=release
COPY chassis/src chassis/src
COPY jwt/src jwt/src
COPY backend/src backend/src
COPY frontend/assets frontend/assets
COPY frontend/templates frontend/templates
COPY frontend/src frontend/src
COPY proxy/src proxy/src
COPY local/src local/src
# `touch`: the sources must be newer than the empty crates, or cargo takes those for up to date.
RUN find . -path '*/src/*' -name '*.rs' -exec touch {} + \
 && cargo build --locked --workspace --profile $PROFILE --target "$(rustc --print host-tuple)" \
 && mkdir -p /out/state \
 && for binary in frontend proxy backend local; do \
      cp target/*-linux-gnu/$(echo $PROFILE | sed s/^dev$/debug/)/$binary /out/ || exit 1; \
    done

# What every image has beside its program: authorities to trust and a numeric user (Kubernetes cannot
# verify that a name is not root). No shell and no package manager.
FROM ${RUNTIME_IMAGE} AS runtime
ARG REVISION=unknown
LABEL org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.revision=$REVISION
USER 65532:65532
WORKDIR /

FROM runtime AS backend
LABEL org.opencontainers.image.title=backend \
      org.opencontainers.image.description="The private microservice"
COPY --from=build /out/backend /backend
EXPOSE 8080
HEALTHCHECK --interval=3s --timeout=10s --start-period=120s CMD ["/backend", "healthcheck"]
ENTRYPOINT ["/backend"]

FROM runtime AS frontend
LABEL org.opencontainers.image.title=frontend \
      org.opencontainers.image.description="The public front end: signs users in"
COPY --from=build /out/frontend /frontend
EXPOSE 8080
HEALTHCHECK --interval=3s --timeout=10s --start-period=120s CMD ["/frontend", "healthcheck"]
ENTRYPOINT ["/frontend"]

# Cloud Run starts it with the documents that are in the image (k8s/cloud-run/proxy.yaml): a release of
# the proxy is a release of its routes. Certificates and keys are mounted, never in an image.
FROM runtime AS proxy
LABEL org.opencontainers.image.title=proxy \
      org.opencontainers.image.description="A mutual-TLS proxy configured by a strict subset of the Istio API"
COPY istio/egress /istio/egress
COPY istio/mesh-config-egress.yaml /istio/mesh-config-egress.yaml
COPY --from=build /out/proxy /proxy
EXPOSE 8080 9081
HEALTHCHECK --interval=3s --timeout=10s --start-period=120s CMD ["/proxy", "healthcheck"]
ENTRYPOINT ["/proxy"]

# Development only: the stand-ins for Google Cloud, one container each. /state and the shares belong to
# the user, and so do volumes that are mounted there for the first time.
FROM runtime AS local
LABEL org.opencontainers.image.title=local \
      org.opencontainers.image.description="Development only: stand-ins for Google Cloud"
COPY --from=build --chown=65532:65532 /out/state /state
COPY --from=build --chown=65532:65532 /out/state /shares/frontend
COPY --from=build --chown=65532:65532 /out/state /shares/gateway
COPY --from=build --chown=65532:65532 /out/state /shares/proxy
COPY --from=build /out/local /local
ENTRYPOINT ["/local"]
