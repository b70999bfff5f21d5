#!/bin/sh
# Sees to it that Debian's Chromium is here, which the tests in a browser drive. Run by make; safe to run again.
set -eu
command -v chromium >/dev/null 2>&1 && exit 0
say() { printf 'hybridd: %s\n' "$*" >&2; }
if ! command -v apt-get >/dev/null 2>&1; then
  say "no chromium on this machine → install what your distribution calls it, then run make again"
  exit 1
fi
if [ "$(id -u)" = 0 ]; then sudo=""; else sudo="sudo"; fi
say "installing the Debian package chromium"
$sudo apt-get update -qq
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core
