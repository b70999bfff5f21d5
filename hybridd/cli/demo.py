"""`hybridd demo`: the whole watch on a simulated market, in a folder of its own."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from hybridd.app import database_url, read_settings, run_service
from hybridd.cli.watch import web_process
from hybridd.clock import SystemClock
from hybridd.config.schema import Settings
from hybridd.config.toml_text import toml_text
from hybridd.daemon.journal import setup_logging
from hybridd.errors import UsageError
from hybridd.pipeline.heartbeat import heartbeat, last_beat
from hybridd.store.store import open_store

_SETTINGS = """\
# Made by `hybridd demo`; change what you like and start the demo again.
[monitor]
symbols = ["BTC/USDT", "ETH/USDT", "SOL/USDT"]
timeframe = "5m"
settle_seconds = 30

[market]
source = "simulated"
seed = {seed}

[database]
url = {url}
"""


def demo(
    speed: Annotated[float, typer.Option(min=0.1, max=3000, help="How many times faster than life time runs.")] = 60.0,
    seed: Annotated[int, typer.Option(min=0, help="Another seed is another market.")] = 1,
    folder: Annotated[Path, typer.Option(metavar="DIR", help="Where the demo keeps its settings and state.")] = Path(
        "demo"
    ),
) -> None:
    """The whole system on a SIMULATED market: no account, no network. Stop it with Ctrl-C, start it again to go on."""
    setup_logging(level="info")
    path = _prepare(folder, seed)
    settings = read_settings(path)
    clock = SystemClock(speed, start=_resume(settings))
    _say_where_to_look(path, settings, speed)
    web = web_process(path, clock) if settings.dashboard.enabled else None
    run_service(settings, lambda: read_settings(path), clock, beside=web)


def _prepare(folder: Path, seed: int) -> Path:
    path = folder / "hybridd.toml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists() or f"seed = {seed}\n" not in path.read_text("utf-8"):
            # Another seed is another market: what was found in the first says nothing about it.
            url = f"sqlite:///{folder.resolve()}/state-{seed}.db"
            path.write_text(_SETTINGS.format(seed=seed, url=toml_text(url)), "utf-8")
    except OSError as error:
        reason = "it is no folder" if isinstance(error, FileExistsError | NotADirectoryError) else error.strerror
        raise UsageError(f"cannot write to {folder}: {reason}", remedy="name another place: --folder DIR") from None
    return path


def _resume(settings: Settings) -> int | None:
    """A demo at speed has lived ahead of the wall's time: it goes on where it stopped."""
    store = open_store(database_url(settings), clock=SystemClock())
    try:
        newest = max([last_beat(heartbeat(store)), *(a.candle_close for a in store.analyses.latest())])
    finally:
        store.close()
    return newest if newest > SystemClock().now() else None


def _say_where_to_look(path: Path, settings: Settings, speed: float) -> None:
    me = Path(sys.argv[0])
    name = str(me) if me.exists() and me.name == "hybridd" else "hybridd"
    option = f"--config {shlex.quote(str(path))}"
    lines = [
        f"hybridd demo: three markets that do not exist (SIMULATED), {speed:g} times as fast as life.",
        f"A 5 minute candle closes every {300 / speed:.3g} s. Look at it from another terminal:",
        f"  {name} status {option}",
        f"  {name} analyze {option}",
        f"  {name} history BTC/USDT {option}",
        f"  {name} alerts list {option}",
        f"Settings {path}, state {database_url(settings).removeprefix('sqlite:///')}. Ctrl-C stops it.",
        "",
    ]
    typer.echo("\n".join(lines))
