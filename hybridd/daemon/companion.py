"""A process beside the daemon: started when it is ready, started again when it dies, ended with it."""

import logging
import subprocess
import threading
from collections.abc import Sequence

log = logging.getLogger("hybridd.companion")

UNUSABLE = 2
"""The exit code of a process that a person must help: trying again would change nothing."""
FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 300.0
GRACE_S = 1.0


class Companion:
    """One process, whatever becomes of it: no death of it ends or delays the daemon.

    Its standard input is a pipe of ours: it ends when that ends, also when we were killed.
    """

    def __init__(self, name: str, command: Sequence[str], *, first_pause_s: float = FIRST_PAUSE_S) -> None:
        self._name, self._command, self._first_pause_s = name, tuple(command), first_pause_s
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._keep, name=f"keep-{name}", daemon=True)

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        with self._lock:
            return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it, and keep it running."""
        self._thread.start()

    def stop(self) -> None:
        """Let it end in order; it is killed when it does not. Safe where it was never started."""
        self._stopping.set()
        with self._lock:
            process = self._process
        if process is not None:
            _end(process)
        if self._thread.is_alive():
            self._thread.join(GRACE_S)

    def _keep(self) -> None:
        pause = self._first_pause_s
        while not self._stopping.is_set():
            code = self._once()
            if self._stopping.is_set():
                return
            if code == UNUSABLE:
                log.error("%s cannot run as things are; the watch goes on without it", self._name)
                return
            log.warning("%s has ended (%s); it is started again in %g s", self._name, code, pause)
            self._stopping.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def _once(self) -> int | None:
        try:
            # A session of its own: Ctrl-C is for the daemon, which ends this one in its turn.
            process = subprocess.Popen(self._command, stdin=subprocess.PIPE, start_new_session=True)
        except OSError as error:
            log.warning("%s cannot be started: %s", self._name, error.strerror)
            return None
        with self._lock:
            self._process = process
        if self._stopping.is_set():
            _end(process)
        try:
            return process.wait()
        finally:
            with self._lock:
                self._process = None
            if process.stdin is not None:
                process.stdin.close()


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
