#!/bin/sh
# Make a virtual environment from whichever supported Python works, and install one hash-pinned requirements file into it.
# usage: setup.sh PYTHON_OR_EMPTY VENV_FOLDER REQUIREMENTS_FILE
set -eu
wanted=$1 venv=$2 requirements=$3

# A version manager's shim may be on PATH and only print an error, so each candidate has to run something.
works() { "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; }

chosen=
for candidate in ${wanted:-python3.13 python3.12 python3.11 python3}; do
    if works "$candidate"; then chosen=$candidate; break; fi
done
if [ -z "$chosen" ]; then
    echo "setup: no usable Python among: ${wanted:-python3.13 python3.12 python3.11 python3}" >&2
    echo "setup: needed is CPython 3.11, 3.12 or 3.13 with venv and ensurepip (Debian, Ubuntu: apt-get install python3-venv)" >&2
    exit 1
fi
echo "setup: $("$chosen" --version) -> $venv ($requirements); this takes about a minute, once"
rm -rf "$venv"
"$chosen" -m venv "$venv"
PIP_DISABLE_PIP_VERSION_CHECK=1 "$venv/bin/python" -m pip install --quiet --no-compile --no-deps --require-hashes -r "$requirements"
PYTHONDONTWRITEBYTECODE='' "$venv/bin/python" -m compileall -q -j 0 --invalidation-mode unchecked-hash "$venv/lib" >/dev/null || true
echo "$chosen" > "$venv/.python"
touch "$venv/.ready"
