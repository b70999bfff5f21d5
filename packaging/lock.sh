#!/bin/sh
# Pins every dependency with its hashes, for all supported Pythons at once, without naming any index.
set -eu
cd "$(dirname "$0")/.."
pin() {
  .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
    --no-header --no-annotate --no-emit-index-url --no-emit-find-links "$@"
}
pin pyproject.toml -o requirements/runtime.txt
pin --group dev -c requirements/runtime.txt pyproject.toml -o requirements/dev.txt
pin requirements/build.in -o requirements/build.txt
pin requirements/web.in -o requirements/web.txt
# Without what its library would fetch prices with; its sums alone are asked.
pin --no-deps -c requirements/runtime.txt requirements/oracle.in -o requirements/oracle.txt
if grep -l '://' requirements/*.txt; then echo "hybridd: a lock file names an address" >&2; exit 1; fi
