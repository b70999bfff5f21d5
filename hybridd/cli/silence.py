"""`hybridd silence`: what nobody wants to hear of for a while; the running daemon heeds it at once."""

import getpass
import re
from datetime import timedelta
from typing import Annotated, Any

import typer
from pydantic_core import PydanticCustomError

from hybridd.alerts.quiet import instant
from hybridd.cli.shared import AsJson, ConfigPath, print_json, say, settings_of, state_of, table, when
from hybridd.clock import as_datetime, iso
from hybridd.config.schema import Settings
from hybridd.config.sections_tell import CHANNELS
from hybridd.config.values import parse_duration
from hybridd.delivery.figures import zone_of
from hybridd.errors import DataError, UsageError
from hybridd.model.change import HEALTH, MARKET, TRADE, Reason
from hybridd.model.instrument import nearest, parse_instrument
from hybridd.model.silence import Silence
from hybridd.pipeline.heartbeat import clock_of

app = typer.Typer(name="silence", help="What you do not want to hear of for a while.", no_args_is_help=True)

SILENCEABLE = tuple(reason for reason in Reason if reason in MARKET | TRADE | HEALTH)
MOST = 1000

SilenceId = Annotated[int, typer.Argument(metavar="ID", min=1, max=2**63 - 1, help="As `hybridd silence list` has it.")]


@app.command("add")
def add(
    subject: Annotated[
        str, typer.Argument(metavar="[SUBJECT]", help="A market; with --reason also a channel, or trade 42.")
    ] = "",
    reason: Annotated[
        str, typer.Option(metavar="REASON", help="Only this; trades and hybridd's own health only by their names.")
    ] = "",
    length: Annotated[str, typer.Option("--for", metavar="TIME", help='How long: "2h", "30m", "1d".')] = "",
    until: Annotated[
        str, typer.Option(metavar="T", help="Until when: 07:00 in your zone, or 2025-06-01T12:00 (UTC).")
    ] = "",
    comment: Annotated[str, typer.Option(metavar="TEXT", help="Why, for whoever wonders later.")] = "",
    config: ConfigPath = None,
    as_json: AsJson = False,
) -> None:
    """Ask for silence. Changes are still found and stored; what still holds at the end is told then."""
    settings = settings_of(config)
    named = _reason(reason)
    about = _subject(settings, subject.strip(), named)
    with state_of(settings) as store:
        now = clock_of(store).now()
        silence = Silence(
            subject=about,
            reason=named,
            author=_actor(),
            comment=comment,
            starts_at=now,
            ends_at=_end(settings, length, until, now),
        )
        silence_id = store.silences.add(silence, now)
        stored = store.silences.get(silence_id)
    assert stored is not None, "it was added by this very command"
    if as_json:
        print_json(_as_json(stored, now))
    else:
        say(f"silence {silence_id}: nothing about {_about(stored)} until {when(stored.ends_at)}")


@app.command("list")
def list_command(
    config: ConfigPath = None,
    as_json: AsJson = False,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
) -> None:
    """Silences in force, newest first."""
    with state_of(settings_of(config)) as store:
        now = clock_of(store).now()
        found = store.silences.list(MOST, ending_after=-1 if everything else now)
    if as_json:
        print_json([_as_json(silence, now) for silence in found])
        return
    if not found:
        say("no silences" if everything else "no silence is in force")
        return
    rows = [
        [
            s.id,
            _about(s),
            when(s.starts_at),
            when(s.ends_at),
            "in force" if s.holds(now) else "over",
            s.author,
            s.comment,
        ]
        for s in found
    ]
    table("", [" id", "about", "from", "until", "state", "by", "why"], rows)


@app.command("end")
def end(silence_id: SilenceId, config: ConfigPath = None) -> None:
    """End a silence now."""
    with state_of(settings_of(config)) as store:
        try:
            ended = store.silences.end(silence_id, clock_of(store).now(), _actor())
        except DataError as error:
            raise UsageError(error.args[0], remedy=error.remedy) from None
    say(f"silence {silence_id} about {_about(ended)} is over")


def _actor() -> str:
    return f"cli:{getpass.getuser()}"


def _reason(text: str) -> Reason | None:
    if not text:
        return None
    name = text.upper()
    if name not in SILENCEABLE:
        near = nearest(name, SILENCEABLE)
        remedy = f"did you mean {near}?" if near else f"they are {', '.join(SILENCEABLE)}"
        raise UsageError(f'"{text}" is no reason that can be silenced', remedy=remedy)
    return Reason(name)


def _subject(settings: Settings, text: str, reason: Reason | None) -> str:
    if not text:
        return ""
    watched = [instrument.symbol for instrument in settings.instruments]
    others = [*CHANNELS, *(channel.name for channel in settings.channels), "hybridd"]
    if text in others or re.fullmatch(r"trade [1-9]\d*|/.*", text):
        if reason is None:
            raise UsageError(f'"{text}" is no market', remedy="name what to silence of it: --reason CHANNEL_DOWN")
        return text
    try:
        symbol = parse_instrument(text, settings.market.market_type).symbol
    except ValueError:
        symbol = text
    if symbol not in watched:
        remedy = f"did you mean {near}?" if (near := nearest(symbol, watched)) else f"they are {', '.join(watched)}"
        raise UsageError(f'"{text}" is none of the markets watched', remedy=remedy)
    return symbol


def _end(settings: Settings, length: str, until: str, now: int) -> int:
    if bool(length) == bool(until):
        raise UsageError("a silence needs an end", remedy='give either --for "2h" or --until 07:00')
    end = now + _length(length) if length else _moment(settings, until, now)
    if end <= now:
        raise UsageError(f"--until {until} is over already", remedy="give a later moment")
    return end


def _length(text: str) -> int:
    try:
        return parse_duration(text)
    except PydanticCustomError as error:
        raise UsageError(f'--for "{text}" {error.message()}', remedy='write "30m", "2h" or "1d"') from None


def _moment(settings: Settings, text: str, now: int) -> int:
    clock = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", text)
    if clock is None:
        # A replay's own reading of moments; heavy, and needed by few.
        from hybridd.cli.replay import moment

        return moment(text, "--until", 0)
    zone, minute = zone_of(settings.alerts.timezone), 60 * int(clock[1]) + int(clock[2])
    today = as_datetime(now).astimezone(zone).date()
    found = (instant(today + timedelta(days=days), minute, zone) for days in range(3))
    return next(at for at in found if at > now)


def _about(silence: Silence) -> str:
    what = silence.reason or "markets"
    return f"{what} of {silence.subject}" if silence.subject and silence.reason else silence.subject or str(what)


def _as_json(silence: Silence, now: int) -> dict[str, Any]:
    return {
        "id": silence.id,
        "subject": silence.subject,
        "reason": silence.reason.value if silence.reason else "",
        "author": silence.author,
        "comment": silence.comment,
        "starts_at": silence.starts_at,
        "ends_at": silence.ends_at,
        "ends": iso(silence.ends_at),
        "in_force": silence.holds(now),
    }
