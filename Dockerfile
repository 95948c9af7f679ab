# syntax=docker/dockerfile:1
# The daemon on nothing but the libraries it links: no shell, no package manager, not root.

FROM docker.io/library/rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin nablad \
 && mkdir -p /root-fs/usr/local/bin /root-fs/etc/nablad /root-fs/tmp /state/nablad \
 && cp target/release/nablad /root-fs/usr/local/bin/nablad \
 && cp config/container.toml /root-fs/etc/nablad/nablad.toml \
 # every library that the binary names, and the loader, where it looks for them
 && ldd target/release/nablad | grep -o '/[^ ]*' | sort -u | while read -r library; do \
      mkdir -p "/root-fs$(dirname "$library")" && cp -L "$library" "/root-fs$library"; \
    done \
 && chmod 1777 /root-fs/tmp \
 && printf 'nablad:x:10001:10001::/:/nonexistent\n' > /root-fs/etc/passwd \
 && printf 'nablad:x:10001:\n' > /root-fs/etc/group

FROM scratch
LABEL org.opencontainers.image.title="nablad" \
      org.opencontainers.image.description="Differentiation as a service" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /root-fs/ /
COPY --from=build --chown=10001:10001 /state/ /var/lib/
USER 10001:10001
EXPOSE 8080
# Registered functions.
VOLUME /var/lib/nablad
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=2s --retries=3 \
  CMD ["/usr/local/bin/nablad", "healthcheck", "--config", "/etc/nablad/nablad.toml"]
ENTRYPOINT ["/usr/local/bin/nablad"]
CMD ["serve", "--config", "/etc/nablad/nablad.toml"]
