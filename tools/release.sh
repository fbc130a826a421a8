#!/usr/bin/env bash
# `make test-release`: the source distribution and the wheel made from it, installed with all that they need into a fresh
# environment that has nothing else, where the wheel searches, exports and runs its demo.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/building"
"$place/building/bin/python" -m pip install --quiet --disable-pip-version-check --constraint constraints/ci.txt hatchling
"$place/building/bin/python" -c "import hatchling.build as b, sys; b.build_sdist(sys.argv[1])" "$place/dist"
tar --extract --file "$place"/dist/*.tar.gz --directory "$place"
(cd "$place"/netwright-*/ && "$place/building/bin/python" -c "import hatchling.build as b, sys; b.build_wheel(sys.argv[1])" "$place/dist")
"${PYTHON:-python3}" -m venv "$place/venv"
"$place/venv/bin/python" -m pip install --quiet --disable-pip-version-check --constraint "$root/constraints/ci.txt" "$place"/dist/*.whl
cd "$place"
"$place/venv/bin/python" -m pip check
"$place/venv/bin/netwright" doctor
"$place/venv/bin/netwright" search digits --examples 300 --trials 2 --epochs 1 --final-epochs 1 --final-seeds 1 --export best --quiet > /dev/null
"$place/venv/bin/python" best/model.py --help > /dev/null
"$place/venv/bin/netwright" demo
ls -l "$place/dist"
