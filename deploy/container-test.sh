#!/usr/bin/env bash
# Builds the Dockerfile with no Docker daemon, runs the image with as few rights as it needs, and proves that it gets ready, answers
# a gradient, keeps a function, says so in its health check, and stops cleanly.
#
# Needs root and buildah, podman, runc and curl; where the base images are not there and cannot be pulled, debootstrap and a local
# Rust toolchain too: BASE=local makes them.
set -euo pipefail

context=${1:-$(cd "$(dirname "$0")/.." && pwd)}
port=${PORT:-38110}
work=${WORK:-${TMPDIR:-/tmp}/nablad-container-test}
image=localhost/nablad:test
rust=docker.io/library/rust:1.95-slim-bookworm
debian=docker.io/library/debian:bookworm-slim
mkdir -p "$work"

buildah=(buildah --storage-driver "${STORAGE:-overlay}" --root "$work/storage" --runroot "$work/run")
podman=(podman --storage-driver "${STORAGE:-overlay}" --root "$work/storage" --runroot "$work/run"
  --cgroup-manager=cgroupfs --events-backend=none --runtime runc)
have() { "${buildah[@]}" inspect --type image "$1" >/dev/null 2>&1; }

pull=--pull
if [ "${BASE:-}" = local ]; then
  pull=--pull-never
  if ! have "$rust"; then
    [ -d "$work/rootfs" ] || debootstrap --variant=minbase --include=ca-certificates bookworm "$work/rootfs"
    from=$("${buildah[@]}" from scratch)
    "${buildah[@]}" add "$from" "$work/rootfs" / >/dev/null
    "${buildah[@]}" commit -q --rm "$from" "$debian"
    base=$(mktemp -d "$work/rust.XXXX")
    mkdir "$base/toolchain"
    cp -a "$(rustc --print sysroot)"/{bin,lib} "$base/toolchain/"
    cat > "$base/Dockerfile" <<BASE
FROM $debian
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
COPY toolchain /usr/local/rust
ENV CARGO_HOME=/usr/local/cargo PATH=/usr/local/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
BASE
    "${buildah[@]}" bud --isolation chroot --network host -q -t "$rust" "$base"
    rm -rf "$base"
  fi
fi

# The host's certificate authorities, so that cargo inside the build trusts what the host trusts.
"${buildah[@]}" bud --isolation chroot --network host --format docker --layers "$pull" \
  -v /etc/ssl/certs:/etc/ssl/certs:ro -t "$image" "$context"

id=$("${podman[@]}" run -d --network host --read-only --cap-drop=ALL --security-opt=no-new-privileges \
  --ulimit nofile=4096:4096 --ulimit nproc=4096:4096 --memory 512m --pids-limit 256 \
  -e NABLAD__HTTP__LISTEN="127.0.0.1:$port" "$image")
trap '"${podman[@]}" rm -f "$id" >/dev/null' EXIT

ready=
for _ in $(seq 50); do
  if curl -fsS "http://127.0.0.1:$port/readyz" 2>/dev/null; then ready=1; break; fi
  sleep 0.2
done
[ -n "$ready" ] || { "${podman[@]}" logs "$id"; exit 1; }
echo

answer=$(curl -fsS "http://127.0.0.1:$port/gradient" -H 'Content-Type: application/json' \
  -d '{"formula": "x^2 * sin(y)", "at": {"x": 3, "y": 0.5}}')
echo "$answer"
case $answer in
  *'"gradient":{"x":2.876553231625218,"y":7.898243057013355}'*) ;;
  *) echo "a wrong gradient"; exit 1 ;;
esac

# Registered functions go to the volume, which the user of the image may write.
curl -fsS "http://127.0.0.1:$port/functions" -H 'Content-Type: application/json' -d '{"formula": "x^2", "name": "kept"}' > /dev/null
[ "$(curl -fsS "http://127.0.0.1:$port/functions/kept/value" -H 'Content-Type: application/json' -d '{"at": {"x": 3}}')" = '{"value":{"f":9.0}}' ]
mounted=$("${podman[@]}" inspect "$id" --format '{{range .Mounts}}{{.Destination}} {{end}}')
case $mounted in *'/var/lib/nablad '*) ;; *) echo "no volume: $mounted"; exit 1 ;; esac

"${podman[@]}" exec "$id" /usr/local/bin/nablad healthcheck --config /etc/nablad/nablad.toml
user=$("${podman[@]}" inspect "$id" --format '{{.Config.User}}')
case $user in '' | 0 | 0:* | root*) echo "the container runs as root"; exit 1 ;; esac

start=$(date +%s%N)
"${podman[@]}" stop -t 10 "$id" >/dev/null
code=$("${podman[@]}" inspect "$id" --format '{{.State.ExitCode}}')
echo "stopped in $((($(date +%s%N) - start) / 1000000)) ms, exit code $code"
[ "$code" = 0 ]
