# https://just.systems; every recipe is a line that can be typed without it.

# What can be done
default:
    @just --list

# Fetch what the build needs, then work offline
setup:
    cargo fetch --locked

# Build and serve on 127.0.0.1:8080
serve *arguments:
    cargo run --release -- serve {{ arguments }}

# Every test, or those whose name contains FILTER
test *filter:
    cargo test --locked {{ filter }}

# Format the source
fmt:
    cargo fmt

# Find what clippy finds
lint:
    cargo clippy --locked --all-targets -- -D warnings

# What CI runs
ci:
    .ci/run

# Fuzz targets under libFuzzer; default: all, 10^6 executions each
fuzz *arguments:
    fuzz/run.py {{ arguments }}

# Trials of the contract against a live server: schemathesis, python, typescript, examples; default: all
contract *trials:
    cargo build --locked
    tests/contract/run.sh {{ trials }}

# Write the OpenAPI document anew
openapi:
    cargo run --quiet --locked -- openapi > openapi/openapi.json.new
    mv openapi/openapi.json.new openapi/openapi.json

# Write the reference values anew (needs tests/reference/requirements.txt)
reference *files:
    python3 tests/reference/generate.py {{ files }}

# Measure the engine and the service in this process
bench *arguments:
    cargo bench --locked --bench engine {{ arguments }}

# Measure the server beside bare axum, FastAPI and UM-Bridge (needs wrk and benches/services/requirements.txt)
bench-services *arguments:
    cargo build --release --locked --bin nablad --example echo
    python3 benches/services/run.py {{ arguments }}

# Offer the server four times what it can do, and write docs/reliability.md
overload *arguments:
    cargo build --release --locked --bin nablad
    python3 tests/trials/overload.py --write docs/reliability.md {{ arguments }}

# Look at the dependencies (needs cargo-deny)
deny:
    cargo deny --log-level error check

# Measure the engine beside JAX, CasADi, PyTorch and C (needs benches/peers/requirements.txt and gcc)
bench-peers *arguments:
    python3 benches/peers/run.py {{ arguments }}

# Run the examples against a server of their own
examples:
    cargo build --locked
    tests/contract/run.sh examples

# The API of the crate as pages
doc:
    cargo doc --locked --no-deps --open

# Build the container, run it and try it (as root; needs buildah, podman and runc)
container:
    deploy/container-test.sh
