"""A real daemon in a process of its own, between a local exchange and a local mail server."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


ALONE = {
    "HYBRIDD_MARKET__CONTEXT__SENTIMENT_URL": "",
    "HYBRIDD_MARKET__CONTEXT__MACRO_URL": "",
    "HYBRIDD_DASHBOARD__ENABLED": "false",
}
"""No test asks a server that is not its own, and none takes a port that another may want."""


def wait_for(what, seconds=40.0, every=0.05):
    """The first true value of `what()`; fails after `seconds`. For processes, whose time cannot be driven."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(every)
    raise AssertionError(f"waited {seconds} s in vain for {what}")


@dataclass
class Daemon:
    """`hybridd run` with its settings in `folder`."""

    folder: Path
    settings: str
    environ: dict[str, str]

    def __post_init__(self):
        self.config, self.state, self.log = (self.folder / n for n in ("hybridd.toml", "state.db", "daemon.log"))
        self.config.write_text(f'[database]\nurl = "sqlite:///{self.state}"\n\n{self.settings}')
        self.process = None

    def start(self, *arguments):
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hybridd", "run", "--config", str(self.config), *arguments],
                stderr=log, stdout=log, env={**os.environ, **ALONE, **self.environ}, cwd=self.folder,
            )  # fmt: skip
        return self

    def command(self, *arguments):
        return subprocess.run(
            [sys.executable, "-m", "hybridd", *arguments, "--config", str(self.config)],
            capture_output=True, text=True, timeout=60, check=False, cwd=self.folder,
            env={**os.environ, **ALONE, **self.environ},
        )  # fmt: skip

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self, seconds=5.0):
        """SIGTERM; the exit code, which must come within `seconds`."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def rows(self, query, *values):
        """Rows of the state, read from outside; none while there is no state yet."""
        try:
            with sqlite3.connect(f"file:{self.state}?mode=ro", uri=True) as db:
                return db.execute(query, values).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error) or "unable to open" in str(error):
                return []
            raise

    def count(self, table, where="1"):
        rows = self.rows(f"SELECT count(*) FROM {table} WHERE {where}")
        return rows[0][0] if rows else 0

    def said(self, text):
        return text in self.log.read_text()

    def status(self):
        return json.loads(self.command("status", "--json").stdout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
