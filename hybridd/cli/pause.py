"""`hybridd pause`, `resume`, `kill`: stop proposing, or stop everything; it lasts over restarts."""

import getpass
from typing import Annotated

import typer

from hybridd.cli.shared import AsJson, ConfigPath, print_json, settings_of, state_of
from hybridd.errors import UsageError
from hybridd.pipeline.heartbeat import clock_of
from hybridd.pipeline.standing import pause_of, set_pause
from hybridd.trading.risk import Pause

Reason = Annotated[str, typer.Option(help="Why, in your words.")]
WORDS = {
    Pause.NONE: "proposals are made again",
    Pause.REDUCE_ONLY: "nothing new is begun; what is open may be closed",
    Pause.PAUSED: "nothing is proposed until `hybridd resume`; alerts go on",
    Pause.KILLED: "nothing is proposed and no order is sent until `hybridd resume --after-kill`; alerts go on",
}


def pause(
    reduce_only: Annotated[bool, typer.Option("--reduce-only", help="Still let trades be closed by a broker.")] = False,
    reason: Reason = "",
    config: ConfigPath = None,
    as_json: AsJson = False,
) -> None:
    """Stop proposing; alerts go on."""
    _set(Pause.REDUCE_ONLY if reduce_only else Pause.PAUSED, reason, config, as_json=as_json)


def resume(
    reduce_only: Annotated[bool, typer.Option("--reduce-only", help="Only so far that trades may be closed.")] = False,
    after_kill: Annotated[bool, typer.Option("--after-kill", help="Also where the kill switch was used.")] = False,
    reason: Reason = "",
    config: ConfigPath = None,
    as_json: AsJson = False,
) -> None:
    """Propose again."""
    wanted = Pause.REDUCE_ONLY if reduce_only else Pause.NONE
    _set(wanted, reason, config, as_json=as_json, after_kill=after_kill)


def kill(reason: Reason = "", config: ConfigPath = None, as_json: AsJson = False) -> None:
    """The kill switch: nothing is proposed and nothing is sent to any broker, whatever happens."""
    _set(Pause.KILLED, reason, config, as_json=as_json)


def _set(wanted: Pause, reason: str, config: ConfigPath, *, as_json: bool, after_kill: bool = True) -> None:
    with state_of(settings_of(config)) as store, store.transaction():
        if pause_of(store) is Pause.KILLED and wanted is not Pause.KILLED and not after_kill:
            raise UsageError("the kill switch is on", remedy="hybridd resume --after-kill, if you are sure")
        set_pause(store, wanted, f"cli:{getpass.getuser()}", clock_of(store).now(), reason)
    if as_json:
        print_json({"pause": wanted.value})
        return
    typer.echo(WORDS[wanted])
