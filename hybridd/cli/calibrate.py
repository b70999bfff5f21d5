"""`hybridd calibrate` and `hybridd proof`: learn the brain's constants and odds, check them, measure their worth."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from hybridd.analysis.calibration import Calibration
from hybridd.app import read_settings
from hybridd.cli.replay import moment
from hybridd.cli.shared import FAILED, AsJson, ConfigPath, print_json, progress, table
from hybridd.clock import as_datetime, as_ms, iso
from hybridd.config.schema import Settings
from hybridd.config.sources import default_path
from hybridd.errors import UsageError
from hybridd.pipeline.brains import brain_of, no_odds
from hybridd.pipeline.calibration_file import calibration_in_force
from hybridd.replay.calibrate import Named, Study, as_text, one_timeframe
from hybridd.replay.files import open_recordings
from hybridd.replay.fit import Check, fit_of
from hybridd.replay.odds import need_scipy
from hybridd.replay.proof import prove
from hybridd.replay.proof_page import page
from hybridd.replay.teach import Thinking, markets_of, teach
from hybridd.replay.walk_forward import Progress

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="CSV, .csv.gz, klines zip, Parquet, Feather.")]
Context = Annotated[
    Path | None,
    typer.Option("--context", metavar="DIR", help="Folder with recorded funding, sentiment, macro and benchmarks."),
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="DATE", help="Use candles that closed by then: 2025-10-01 (UTC).")
]
FOREVER = 2**62
FINAL_MONTHS = 2


def calibrate(
    files: Files,
    context: Context = None,
    until: Until = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write what was learned.")] = Path(
        "calibration.json"
    ),
    check: Annotated[
        bool, typer.Option("--check", help="Learn nothing: say whether the constants in force fit these candles.")
    ] = False,
    config: ConfigPath = None,
    as_json: AsJson = False,
) -> None:
    """Learn scales, correlations, pattern records and odds from recorded candles, or check those in force."""
    settings = _settings(config)
    markets = _markets(files, context, moment(until, "--until", FOREVER))
    base = calibration_in_force(settings.analysis.calibration)
    if check:
        _check(markets, settings, base, as_json)
        return
    need_scipy()
    _writable(out)
    with _shown("learning") as step:
        learned = teach(Study(markets), _thinking(settings), base, step)
    _write(out, as_text(learned))
    if as_json:
        print_json(_as_json(learned, out))
    else:
        _show(learned, out)


def proof(
    files: Files,
    context: Context = None,
    until: Until = None,
    final: Annotated[
        str | None,
        typer.Option("--final", metavar="DATE", help="First day kept for the end; by default the last two months."),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The page to write.")] = Path("docs/brain-proof.md"),
    config: ConfigPath = None,
) -> None:
    """Measure on months never learned from what every layer, the score and the odds are worth; write a page of it."""
    need_scipy()
    _writable(out)
    settings = _settings(config)
    study = Study(_markets(files, context, moment(until, "--until", FOREVER)))
    start = moment(final, "--final", _last_months(study.last))
    if not study.first < start < study.last:
        raise UsageError(
            f"--final {iso(start)} leaves nothing to learn from or nothing to judge",
            remedy=f"the candles go from {iso(study.first)} to {iso(study.last)}",
        )
    with _shown("walking forward") as step:
        found = prove(study, start, _thinking(settings), step)
    words = [file.name for file in files] + (["--context", context.name] if context else [])
    words += ["--until", until] if until else []
    _write(out, page(found, " ".join(["hybridd proof", *words, "--final", as_datetime(start).strftime("%Y-%m-%d")])))
    typer.echo(f"written to {out}")


def _settings(config: Path | None) -> Settings:
    # Like a replay, this needs no settings file: without one the defaults are measured.
    if config is None and default_path() is None:
        return Settings()
    return read_settings(config, need_secrets=False)


def _thinking(settings: Settings) -> Thinking:
    analysis = settings.analysis
    return Thinking(horizon=analysis.horizon, weights=dict(analysis.weights), min_layers=analysis.min_layers)


def _markets(files: list[Path], context: Path | None, end: int) -> Named:
    recordings = open_recordings(files, None)
    for recording in recordings:
        for note in recording.notes:
            typer.echo(f"hybridd: {note}", err=True)
    return markets_of(recordings, context, end)


@contextmanager
def _shown(what: str) -> Iterator[Progress]:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with progress(*columns) as display:
        task = display.add_task(what, total=None)
        yield lambda done, of: display.update(task, completed=done, total=of)


def _last_months(last: int) -> int:
    """The first moment of the month before the one in which the last candle closed."""
    day = as_datetime(last - 1)
    month = day.year * 12 + day.month - 1 - (FINAL_MONTHS - 1)
    return as_ms(datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC))


def _check(markets: Named, settings: Settings, calibration: Calibration, as_json: bool) -> None:
    brain = brain_of(settings, calibration)
    silent = no_odds(settings, brain, calibration, one_timeframe(markets))
    checks = fit_of(markets, brain, calibration, odds=not silent)
    fits = all(check.fits for check in checks)
    if as_json:
        rows = [{**asdict(check), "fits": check.fits} for check in checks]
        print_json({"fits": fits, "odds": silent or "measured", "checks": rows})
    else:
        table("", ["measured", "on", " value", " should be", ""], [_row(check) for check in checks])
        if silent:
            typer.echo(f"odds: {silent}")
        typer.echo(
            "the constants in force fit these candles" if fits else "the constants in force do not fit these candles"
        )
    if not fits:
        raise typer.Exit(FAILED)


def _row(check: Check) -> list[str]:
    value = "–" if check.value is None else f"{check.value:.4g}"
    verdict = "no answer" if check.value is None else ("fits" if check.fits else "does not fit")
    return [check.name, check.market, value, f"{check.low:.4g} to {check.high:.4g}", verdict]


def _as_json(learned: Calibration, out: Path) -> dict[str, Any]:
    odds = learned.odds
    return {
        "file": str(out),
        "symbols": list(learned.symbols),
        "timeframe": learned.timeframe,
        "candles": learned.candles,
        "fingerprint": learned.fingerprint,
        "from": iso(learned.first),
        "to": iso(learned.last),
        "kept": list(learned.kept),
        "odds": None if odds is None else {"n": odds.n, "horizon": odds.horizon, "ece": odds.ece, "brier": odds.brier},
    }


def _show(learned: Calibration, out: Path) -> None:
    names, days = ", ".join(learned.symbols), f"{iso(learned.first)} to {iso(learned.last)}"
    typer.echo(f"learned from {learned.candles:,} candles of {names}, {learned.timeframe}, {days}")
    if learned.kept:
        typer.echo(f"not in these data, kept as they were: {', '.join(learned.kept)}")
    if learned.odds is None:
        typer.echo("no odds: five months of candles are needed, since each month is judged by those before it")
    else:
        odds = learned.odds
        typer.echo(
            f"odds {odds.horizon} candles ahead from {odds.n:,} analyses; on months after those learned from their "
            f"calibration error was {odds.ece:.4f}"
        )
    typer.echo(f'written to {out}; to use it, set in the settings: [analysis] calibration = "{out.resolve()}"')


def _writable(out: Path) -> None:
    """Refuse a place that cannot be written to before minutes of work are done for it."""
    if not out.parent.is_dir() or out.is_dir():
        raise UsageError(f"cannot write {out}: there is no such folder", remedy="name a file in a folder: --out FILE")


def _write(out: Path, text: str) -> None:
    try:
        out.write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {out}: {error.strerror}", remedy="name another file: --out FILE") from None
