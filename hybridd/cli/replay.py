"""`hybridd replay`: recorded candles through the same pipeline as live ones."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

from hybridd.app import read_settings
from hybridd.cli.shared import AsJson, ConfigPath, print_json, progress, say, table
from hybridd.clock import as_ms, iso
from hybridd.config.schema import Settings
from hybridd.config.sources import default_path
from hybridd.errors import UsageError
from hybridd.model.timeframe import timeframe_of
from hybridd.pipeline.brains import analyst_of
from hybridd.pipeline.rules import rules_of
from hybridd.replay.files import Recording, open_recordings
from hybridd.replay.out import prepare_out, write_out
from hybridd.replay.run import Period, Replay
from hybridd.replay.run import replay as run_replay
from hybridd.replay.summary import summary
from hybridd.replay.teach import markets_of
from hybridd.trading.follow import FollowRules


def replay(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="CSV, .csv.gz, klines zip, Parquet, Feather.")],
    symbol: Annotated[
        str | None, typer.Option(metavar="S", help="The market, where the file's name does not say.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="T", help="First moment: 2025-06-01, 2025-06-01T12:00 (UTC).")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="T", help="Last moment, written the same way.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write analyses, changes, trades and a report there.")
    ] = None,
    context: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Recorded funding, open interest, sentiment, macro, benchmarks.")
    ] = None,
    config: ConfigPath = None,
    as_json: AsJson = False,
) -> None:
    """Run recorded candles through the pipeline: changes, alerts, trades that follow every proposal, statistics."""
    settings = _settings(config)
    period = _period(start, end)
    recordings = open_recordings(files, symbol)
    for recording in recordings:
        for note in recording.notes:
            typer.echo(f"hybridd: {note}", err=True)
        _check_period(recording, period)
    if out is not None:
        prepare_out(out)
    results = [_one(recording, settings, period, context, keep=out is not None) for recording in recordings]
    for result in results:
        if not result.analysed:
            typer.echo(
                f"hybridd: {result.symbol}: no layer can speak of these candles yet: there are too few", err=True
            )
    if out is not None:
        write_out(out, results)
    if as_json:
        print_json(_as_json(results))
        return
    for result in results:
        _show(result)
    if out is not None:
        typer.echo(f"written to {out}: analyses.csv, changes.csv, trades.csv, report.html")


def _settings(config: Path | None) -> Settings:
    # A replay needs no settings file: without one the defaults are replayed.
    if config is None and default_path() is None:
        return Settings()
    return read_settings(config, need_secrets=False)


def _period(start: str | None, end: str | None) -> Period:
    period = Period(start=moment(start, "--from", 0), end=moment(end, "--to", 2**62))
    if period.start >= period.end:
        raise UsageError(f"--from {start} is not before --to {end}", remedy="give the earlier moment to --from")
    return period


def _check_period(recording: Recording, period: Period) -> None:
    closes = recording.candles.close_time
    if not ((closes > period.start) & (closes <= period.end)).any():
        raise UsageError(
            f"{recording.path.name} has no candle between --from and --to",
            remedy=f"it goes from {iso(int(recording.candles.open_time[0]))} to {iso(recording.candles.last_close)}",
        )


def moment(text: str | None, option: str, default: int) -> int:
    """An instant as a person writes it, ms UTC; without a zone it is UTC, a bare number is seconds or ms since 1970."""
    if text is None:
        return default
    try:
        if re.fullmatch(r"[0-9]{9,14}", text):
            return int(text) if len(text) > 11 else int(text) * 1000
        parsed = datetime.fromisoformat(text)
        return as_ms(parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise UsageError(f'{option} "{text}" is not a moment', remedy="write 2025-06-01 or 2025-06-01T12:00") from None


def _one(recording: Recording, settings: Settings, period: Period, context: Path | None, *, keep: bool) -> Replay:
    trading = settings.trading
    follow = FollowRules(
        min_confidence=settings.decisions.min_confidence,
        stop_atr=trading.stop_atr,
        target_r=trading.target_r,
        fee_percent=trading.fee_percent,
    )
    columns = (TextColumn(recording.instrument.symbol), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with progress(*columns) as display:
        task = display.add_task("", total=len(recording.candles))
        return run_replay(
            markets_of([recording], context, 2**62)[0][1],
            analyst_of(settings),
            rules_of(settings, timeframe_of(recording.candles.step)),
            follow,
            period=period,
            keep=keep,
            progress=lambda n: display.advance(task, n),
        )


def _as_json(results: list[Replay]) -> Any:  # noqa: ANN401  # one object for one file, as INTERFACE has it
    summaries = [summary(result) for result in results]
    return summaries[0] if len(summaries) == 1 else summaries


def _show(result: Replay) -> None:
    facts = summary(result)
    say(f"{result.symbol} {result.timeframe}: {result.candles:,} candles in {result.seconds:.2f} s", style="bold")
    say(f"{facts['candles_per_second']:,.0f} candles a second, {result.analysed:,} analyses")
    rows = [["analyses by signal", _counts(facts["signals"])], ["changes", _counts(facts["changes"])]]
    rows += [["suppressed", _counts(facts["suppressed"])], ["alerts", f"{result.alerts:,}"]]
    rows += [["proposals followed", f"{result.proposals:,}"], ["trades", f"{len(result.trades):,}"]]
    table("", ["what", "count"], rows)
    statistics = [[name, "–" if value is None else f"{value:,.4g}"] for name, value in facts["statistics"].items()]
    if result.trades:
        table("", ["statistic", " value"], statistics)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {n:,}" for name, n in counts.items()) or "none"
