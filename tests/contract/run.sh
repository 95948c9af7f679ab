#!/usr/bin/env bash
# Holds a live server to its contract with tools that others wrote.
#
#   tests/contract/run.sh [TRIAL...]      schemathesis, python, typescript, examples; default: all of them
#
# Needs a built server (cargo build), Python 3.11 with venv, node with npm, curl. NABLAD names another binary.
# What it installs and generates stays under the target directory, and is installed anew where the pinned versions change.
# EXAMPLES and SEED are Schemathesis's: how many requests an endpoint, and which.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
here=$PWD/tests/contract
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
server=${NABLAD:-$target/debug/nablad}
work=$target/contract
mkdir -p "$work"

trials=("$@")
[ $# -gt 0 ] || trials=(schemathesis python typescript examples)

python_tools() {
    local stamp=$work/venv/requirements.txt
    cmp -s "$here/requirements.txt" "$stamp" && return
    rm -rf "$work/venv"
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$stamp"
}

node_tools() {
    mkdir -p "$work/typescript"
    cp "$here"/typescript/{package.json,tsconfig.json,trial.ts,.npmrc} "$work/typescript"
    local stamp=$work/typescript/node_modules/package-lock.json
    cmp -s "$here/typescript/package-lock.json" "$stamp" && return
    cp "$here/typescript/package-lock.json" "$work/typescript"
    (cd "$work/typescript" && npm ci --silent)
    cp "$here/typescript/package-lock.json" "$stamp"
}

# Every check but positive_data_acceptance: a schema cannot say which programs are well-formed, and requests are programs.
schemathesis() {
    (cd "$work" && SCHEMATHESIS_HOOKS=hooks PYTHONPATH=$here/schemathesis PYTHONDONTWRITEBYTECODE=1 \
        venv/bin/schemathesis --config-file "$here/schemathesis/schemathesis.toml" run "$url/openapi.json" --no-color \
        --checks all --exclude-checks positive_data_acceptance \
        --max-examples "${EXAMPLES:-100}" --seed "${SEED:-1}")
}

python() {
    rm -rf "$work/python"
    mkdir "$work/python"
    echo "post_hooks: []" > "$work/python/config.yml"
    # A warning is a part of the document that the client does without.
    "$work/venv/bin/openapi-python-client" generate --path "$work/openapi.json" --config "$work/python/config.yml" \
        --meta none --output-path "$work/python/generated" --fail-on-warning
    "$work/venv/bin/python" "$here/python_client.py" "$url" "$work/python/generated"
}

typescript() {
    (cd "$work/typescript" && npx --no-install openapi-typescript "$work/openapi.json" --output api.d.ts &&
        npx --no-install tsc --project . && node out/trial.js "$url")
}

examples() {
    local example
    for example in examples/*/run.py; do
        [ -f "$example" ] || continue
        echo "$example"
        python3 "$example" "$url"
    done
}

for trial in "${trials[@]}"; do
    case $trial in
        schemathesis | python) python_tools ;;
        typescript) node_tools ;;
        examples) ;;
        *) echo "there is no trial $trial" >&2 && exit 2 ;;
    esac
done

rm -f "$work/stdout"
"$server" serve --listen 127.0.0.1:0 > "$work/stdout" 2> "$work/stderr" &
pid=$!
trap 'kill -KILL "$pid" 2> /dev/null || true' EXIT
for _ in $(seq 100); do
    [ ! -s "$work/stdout" ] || break
    kill -0 "$pid" 2> /dev/null || { cat "$work/stderr" >&2 && exit 1; }
    sleep 0.1
done
read -r line < "$work/stdout"
url=${line#nablad listening on }
curl -fsS "$url/openapi.json" > "$work/openapi.json"

failed=()
for trial in "${trials[@]}"; do
    printf '\n--- %s\n' "$trial"
    # In a shell of its own, where a failing command ends the trial and not the run.
    set +e
    (set -e; "$trial")
    code=$?
    set -e
    [ $code = 0 ] || failed+=("$trial")
done

printf '\n--- SIGTERM\n'
kill -TERM "$pid"
code=0
wait "$pid" || code=$?
trap - EXIT
echo "exit code $code"
[ $code = 0 ] || failed+=(SIGTERM)
! grep -n 'panicked at' "$work/stderr" || failed+=(panic)

[ ${#failed[@]} = 0 ] || { printf '\nfailed: %s\n' "${failed[*]}" >&2 && exit 1; }
printf '\npassed: %s, SIGTERM\n' "${trials[*]}"
