#!/usr/bin/env bash
# `make oldest`: a fresh environment with the oldest versions that pyproject.toml allows, and a few tests in it.
# TORCH takes the place of torch's oldest version, where only another one has a build for this machine:
#   TORCH=torch==2.13.0 PYTHON=python3.11 make oldest
set -euo pipefail
cd "$(dirname "$0")/.."
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
sed "s/^torch==.*/${TORCH:-&}/" constraints/oldest.txt > "$place/oldest.txt"
"${PYTHON:-python3.11}" -m venv "$place/venv"
export PATH="$place/venv/bin:$PATH" OMP_NUM_THREADS=1
planned=$(python -m pip install --quiet --dry-run --report - --constraint "$place/oldest.txt" '.[compare]' | grep -c '"name": "nvidia-' || true)
if [ "$planned" -gt 0 ]; then
  echo "pip would bring CUDA packages with $(grep ^torch "$place/oldest.txt"); name another with TORCH, or an index with CPU builds"
  exit 1
fi
python -m pip install --quiet --constraint "$place/oldest.txt" '.[compare]' pytest pytest-timeout hypothesis
(
  cd "$place"
  netwright doctor
  netwright search --help > /dev/null
  netwright search digits --examples 300 --trials 3 --epochs 1 --final-epochs 1 --final-seeds 2 --export best --quiet
  netwright show --json > /dev/null
  python best/model.py --help > /dev/null
)
python -m pytest -W ignore tests/core tests/tasks/test_picture_files.py tests/tasks/test_csv_table.py tests/cli/test_flags.py
