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

if ! command -v npm >/dev/null 2>&1; then
  say "no npm on this machine"
  say "→ install it (Debian: apt-get install npm), then run make again"
  exit 1
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
