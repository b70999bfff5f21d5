"""A release booted with its own systemd, in a root file system that is thrown away afterwards."""

import json
import os
import signal
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from roots import root_of, throw_away

ROOT = Path(__file__).resolve().parents[2]
ENVIRON = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "HOME": "/root",
    "DEBIAN_FRONTEND": "noninteractive",
    "SYSTEMD_COLORS": "0",
    "SYSTEMD_PAGER": "cat",
}
REBOOTED = 133
"""What systemd-nspawn ends with when the container wants to be started again (--keep-unit)."""

# Machines that share a control group would stop each other's services. Named v1 and unified hierarchies, or the one.
OWN_GROUP = """
name=$1; shift
for tree in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
    [ -e "$tree/cgroup.procs" ] && mkdir -p "$tree/$name" && echo $$ > "$tree/$name/cgroup.procs"
done
exec "$@"
"""


class Container:
    """One machine. It shares the network of the host; what is written in it lives in memory."""

    def __init__(self, release):
        self.release = release
        self._stack = ExitStack()
        self._process, self.init = None, 0
        self.root = self._stack.enter_context(throw_away(root_of("boot", release)))
        self.log = Path(tempfile.mkdtemp(prefix="hybridd-console-")) / "console"
        (self.root / "etc/resolv.conf").write_text(Path("/etc/resolv.conf").read_text())
        (self.root / "etc/machine-id").write_text("")

    def __enter__(self):
        self.boot()
        return self

    def __exit__(self, *_):
        self.power_off()
        self._stack.close()

    def boot(self):
        """Start it and wait until systemd has done everything that it does at a start."""
        nspawn = ["systemd-nspawn", "--quiet", "-D", str(self.root), "--boot", "--register=no", "--keep-unit"]
        nspawn += ["--console=pipe", "--timezone=off", f"--machine=hybridd-{self.release.codename}"]
        # Whatever the host has, the machine gets the one hierarchy of control groups that releases boot with today.
        environ = {**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", OWN_GROUP, "sh", f"hybridd-{os.getpid()}", *nspawn],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environ,
                start_new_session=True,
            )
        self.init = wait_for(self._find_init, 30, "a container's systemd")
        wait_for(self._is_up, 60, "the end of the boot")

    def reboot(self):
        """As an administrator does it."""
        self.run("systemctl", "reboot", "--no-block", check=False)
        assert self._process.wait(60) == REBOOTED, self.log.read_text(errors="replace")[-2000:]
        self.boot()

    def power_off(self):
        """End it in order, or at once if it does not want to."""
        if self._process is None or self._process.poll() is not None:
            return
        # SIGRTMIN+4: systemd's own word for power-off; nspawn itself must not be killed, it has to clean up.
        os.kill(self.init, signal.SIGRTMIN + 4)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            os.kill(self.init, signal.SIGKILL)
            self._process.wait(30)

    def run(self, *command, check=True, seconds=120, stdin=None):
        """Run a command as root; a wrong end fails the test with what it said. The result has `stdout` and `stderr`."""
        words = ["nsenter", "-t", str(self.init), "-m", "-u", "-i", "-n", "-p", "-C", "--", *command]
        done = subprocess.run(
            words, env=ENVIRON, capture_output=True, text=True, errors="replace", timeout=seconds,
            **({"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}),
        )  # fmt: skip
        if check:
            assert done.returncode == 0, f"{' '.join(command)} → {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def out(self, *command, **how):
        """What a command prints, without the last line end."""
        return self.run(*command, **how).stdout.rstrip("\n")

    def start(self, *command):
        """A command that goes on by itself, as root; end it with `.kill()`."""
        words = ["nsenter", "-t", str(self.init), "-m", "-u", "-i", "-n", "-p", "-C", "--", *command]
        return subprocess.Popen(
            words, env=ENVIRON, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def show(self, unit, name):
        """A property of a unit."""
        return self.out("systemctl", "show", "--value", "--property", name, unit)

    def journal(self, *match):
        """Journal entries as dictionaries."""
        self.run("journalctl", "--sync", check=False)
        text = self.out("journalctl", "--output=json", "--no-pager", "--quiet", *match, check=False)
        return [json.loads(line) for line in text.splitlines()]

    def write(self, path, text, mode=0o640, group="hybridd"):
        """A file of root's in the machine; `group` may read it."""
        self.run("sh", "-c", f"cat > {path} && chmod {mode:o} {path} && chgrp {group} {path}", stdin=text)

    def put(self, file):
        """Copy a file of the host's into the machine; its path there."""
        target = f"/srv/{file.name}"
        subprocess.run(["cp", str(file), f"{self.root}{target}"], check=True, timeout=60)
        return target

    def _find_init(self):
        if self._process.poll() is not None:
            raise AssertionError(f"the container did not boot:\n{self.log.read_text(errors='replace')[-2000:]}")
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                lines = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
            except OSError:
                continue
            if lines.get("PPid") == str(self._process.pid) and lines.get("NSpid", "").split()[-1:] == ["1"]:
                return int(lines["Pid"])
        return 0

    def _is_up(self):
        done = self.run("systemctl", "is-system-running", check=False)
        return done.stdout.strip() in {"running", "degraded"}


def wait_for(what, seconds, why, every=0.1):
    """The first true value of `what()`; fails after `seconds`. For machines, whose time cannot be driven."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(every)
    raise AssertionError(f"waited {seconds} s in vain for {why}")
