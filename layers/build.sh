#!/bin/sh
# `make build`: SAM builds functions and layers, a real python3.13 compiles them, then the artefacts are checked.
# Without .pyc a cold start takes twice as long, and SAM writes none.
set -eu
cd "$(dirname "$0")/.."
root=$PWD build=$PWD/.aws-sam/build trial=$PWD/.aws-sam/trial

# A version manager's shim may be on PATH and only print an error.
for candidate in ${PYTHON313:-} python3.13 "$HOME"/.pyenv/versions/3.13*/bin/python3.13; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' >/dev/null 2>&1; then
        python=$("$candidate" -c 'import sys; print(sys.executable)'); break
    fi
done
if [ -z "${python:-}" ]; then
    echo "build: needs a working python3.13, the version that the functions run under (PYTHON313= names it)" >&2
    exit 1
fi
export PATH="$(dirname "$python"):$root/$SAM/bin:$PATH" SAM_CLI_TELEMETRY=0 UV_PYTHON="$python"

started=$(date +%s)
rm -rf "$build" "$trial"
sam build --no-cached >/dev/null 2>"$root/.aws-sam.log" || { cat "$root/.aws-sam.log" >&2; exit 1; }
rm -f "$root/.aws-sam.log"
"$python" -m compileall -q -j 0 --invalidation-mode unchecked-hash "$build"

# arm64 cannot be imported on another machine: the same layer for this one stands in for the import check.
case $(uname -sm) in
    "Linux x86_64") platform=x86_64-manylinux2014 ;;
    "Linux aarch64") platform=aarch64-manylinux2014 ;;
    "Darwin arm64") platform=aarch64-apple-darwin ;;
    *) platform=x86_64-apple-darwin ;;
esac
make -s -C layers/dependencies build-DependenciesLayer ARTIFACTS_DIR="$trial" PLATFORM="$platform"
"$python" -m compileall -q -j 0 --invalidation-mode unchecked-hash "$trial"
echo "$python" > "$root/.aws-sam/python"
"$root/$V/bin/python" -m sandbox.commands.built "$build" --trial "$trial" --python "$python"
echo "build: done in $(($(date +%s) - started)) s"
