#!/bin/sh
# Builds .venv from the lock files, installing the Debian packages that the two source-only
# dependencies (systemd-python, sdnotify) compile with. Run by make; safe to run again.
#
#   packaging/bootstrap.sh [runtime|dev]
set -eu

kind=${1:-runtime}
here=$(cd "$(dirname "$0")/.." && pwd)
venv="$here/.venv"
python=${PYTHON:-python3}
stamp="$venv/.installed-$kind"

say() { printf 'hybridd: %s\n' "$*" >&2; }
die() { say "$1"; say "→ $2"; exit 1; }

command -v "$python" >/dev/null 2>&1 ||
  die "no $python on this machine" "install Python 3.11, 3.12 or 3.13 (Debian: apt-get install python3), or name one: make PYTHON=/path/to/python"
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' ||
  die "$("$python" --version) is not one that hybridd runs on" "use Python 3.11, 3.12 or 3.13: make PYTHON=/path/to/python3.11"

# The stamp holds what was installed: a changed lock file or another interpreter builds the environment anew.
wanted=$( { "$python" -c 'import sys; print(sys.executable, sys.version)'; cat "$here/pyproject.toml" "$here"/requirements/*.txt; } | sha256sum | cut -d' ' -f1)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then exit 0; fi

missing_packages() {
  # ensurepip is what Debian splits off into python3-venv; Python.h comes with python3-dev.
  "$python" -c 'import ensurepip, venv' 2>/dev/null || printf 'python3-venv '
  "$python" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' || printf 'python3-dev '
  command -v cc >/dev/null 2>&1 || command -v gcc >/dev/null 2>&1 || printf 'gcc '
  command -v pkg-config >/dev/null 2>&1 || printf 'pkg-config '
  pkg-config --exists libsystemd 2>/dev/null || printf 'libsystemd-dev '
}

packages=$(missing_packages)
if [ -n "$packages" ]; then
  command -v apt-get >/dev/null 2>&1 ||
    die "missing on this machine: $packages" "install what your distribution calls these, then run make again"
  if [ "$(id -u)" = 0 ]; then sudo=""
  elif command -v sudo >/dev/null 2>&1; then sudo="sudo"
  else die "missing Debian packages ($packages) and no way to become root" "as root: apt-get install -y $packages"
  fi
  say "installing Debian packages: $packages"
  # An old package list may name versions that the mirror no longer has, so it is fetched first.
  { $sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $packages; } >"$here/.bootstrap.log" 2>&1 ||
    { tail -n 5 "$here/.bootstrap.log" >&2
      die "apt-get could not install: $packages" "check the network and /etc/apt/sources.list, then run make again (whole output: .bootstrap.log)"; }
fi

say "building .venv ($kind), about a minute the first time"
pip_install() {
  what=$1; shift
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input "$@" >"$here/.bootstrap.log" 2>&1 ||
    { grep -E 'ERROR|error' "$here/.bootstrap.log" | head -n 5 >&2
      die "pip could not install $what" "check the network (pip needs its package index), then run make again (whole output: .bootstrap.log)"; }
}
rm -f "$stamp"
"$python" -m venv --clear "$venv" >"$here/.bootstrap.log" 2>&1 ||
  die "could not make $venv: $(tail -n 1 "$here/.bootstrap.log")" "check the disk and that the folder is yours, then run make again"
# Build tools first, and no build isolation: what compiles the source-only packages is locked like all the rest.
pip_install "the build tools of requirements/build.txt" --require-hashes -r "$here/requirements/build.txt"
pip_install "the packages of requirements/$kind.txt" --no-build-isolation --require-hashes -r "$here/requirements/$kind.txt"
pip_install "hybridd itself" --no-deps --no-build-isolation -e "$here"
printf '%s' "$wanted" >"$stamp"
# The development environment holds everything that the running program needs.
[ "$kind" = dev ] && printf '%s' "$wanted" >"$venv/.installed-runtime"
rm -f "$here/.bootstrap.log"
