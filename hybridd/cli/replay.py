"""`hybridd replay`: recorded candles through the same pipeline as live ones."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hybridd.app import read_settings
from hybridd.cli.shared import AsJson, ConfigPath, console, print_json, table
from hybridd.clock import as_ms
from hybridd.config.schema import Settings
from hybridd.config.sources import default_path
from hybridd.errors import UsageError
from hybridd.pipeline.brains import analyst_of
from hybridd.pipeline.rules import rules_of
from hybridd.replay.files import Recording, open_recordings
from hybridd.replay.out import write_out
from hybridd.replay.run import Period, Replay, market_of
from hybridd.replay.run import replay as run_replay
from hybridd.replay.summary import summary
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
    config: ConfigPath = None,
    as_json: AsJson = False,
) -> None:
    """Run recorded candles through the pipeline: changes, alerts, trades that follow every proposal, statistics."""
    settings = _settings(config)
    period = Period(start=moment(start, "--from") or 0, end=moment(end, "--to") or 2**62)
    recordings = open_recordings(files, symbol)
    for recording in recordings:
        for note in recording.notes:
            typer.echo(f"hybridd: {note}", err=True)
    results = [_one(recording, settings, period, keep=out is not None) for recording in recordings]
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


def moment(text: str | None, option: str) -> int | None:
    """An instant as a person writes it, ms UTC; a time without a zone is taken as UTC."""
    if text is None:
        return None
    if text.isdigit() and len(text) > 8:
        return int(text)
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f'{option} "{text}" is not a moment', remedy="write 2025-06-01 or 2025-06-01T12:00") from None
    return as_ms(parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC))


def _one(recording: Recording, settings: Settings, period: Period, *, keep: bool) -> Replay:
    trading = settings.trading
    follow = FollowRules(
        min_confidence=settings.decisions.min_confidence,
        stop_atr=trading.stop_atr,
        target_r=trading.target_r,
        fee_percent=trading.fee_percent,
    )
    columns = (TextColumn(recording.instrument.symbol), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=len(recording.candles))
        return run_replay(
            market_of(recording.instrument, recording.candles),
            analyst_of(settings),
            rules_of(settings),
            follow,
            period=period,
            keep=keep,
            progress=lambda n: progress.advance(task, n),
        )


def _as_json(results: list[Replay]) -> Any:  # noqa: ANN401  # one object for one file, as INTERFACE has it
    summaries = [summary(result) for result in results]
    return summaries[0] if len(summaries) == 1 else summaries


def _show(result: Replay) -> None:
    facts = summary(result)
    console().print(
        f"[bold]{result.symbol}[/bold] {result.timeframe}: {result.candles:,} candles in {result.seconds:.2f} s"
    )
    console().print(f"{facts['candles_per_second']:,.0f} candles a second, {result.analysed:,} analyses")
    rows = [["analyses by signal", _counts(facts["signals"])], ["changes", _counts(facts["changes"])]]
    rows += [["suppressed", _counts(facts["suppressed"])], ["alerts", f"{result.alerts:,}"]]
    rows += [["proposals followed", f"{result.proposals:,}"], ["trades", f"{len(result.trades):,}"]]
    table("", ["", ""], rows)
    statistics = [[name, "–" if value is None else f"{value:,.4g}"] for name, value in facts["statistics"].items()]
    if result.trades:
        table("", ["statistic", " value"], statistics)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {n:,}" for name, n in counts.items()) or "none"
