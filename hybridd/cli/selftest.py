"""`hybridd selftest`: hybridd tries on itself what must never happen to you."""

import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hybridd.cli.shared import FAILED, AsJson, print_json, progress, say, table

if TYPE_CHECKING:  # it brings the whole daemon
    from hybridd.selftest.chaos import Report

COLUMNS = ("planned", "told", "let_go", "unsure", "copies", "folded", "repeats", "lost", "doubled")

app = typer.Typer(name="selftest", help="hybridd tries on itself what must never happen to you.", no_args_is_help=True)


@app.callback()
def together() -> None:
    """hybridd tries on itself what must never happen to you."""


@app.command("chaos")
def chaos(
    kills: Annotated[int, typer.Option(min=1, max=1_000_000, help="How often the daemon is killed.")] = 1000,
    seed: Annotated[
        int | None, typer.Option(min=0, help="The same seed, the same kills. Default: another one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Kill a daemon again and again (kill -9), then compare its books with what arrived. Your own state is not touched.

    The daemon is the real one, on a made-up market in a folder of its own; its messages stay on this machine.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    from hybridd.selftest.chaos import chaos as run_chaos

    chosen = time.time_ns() % 1_000_000 if seed is None else seed
    folder = Path(tempfile.mkdtemp(prefix="hybridd-chaos-"))
    columns = (TextColumn("killed"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with progress(*columns) as display:
        task = display.add_task("", total=kills)
        report = run_chaos(folder, kills=kills, seed=chosen, progress=lambda _: display.advance(task))
    if as_json:
        print_json(_as_json(report, chosen))
    else:
        _show(report, chosen)
    if not report.ok:
        typer.echo(
            f"hybridd: the books do not agree → the state, the log and the ledger are kept in {folder}", err=True
        )
        raise typer.Exit(FAILED)
    shutil.rmtree(folder)


def _show(report: "Report", seed: int) -> None:
    books = report.books
    total = sum(report.kills.values())
    table("", ["killed", " times"], [[name, count] for name, count in sorted(report.kills.items())])
    say("")
    table("", ["channel", *(f" {name.replace('_', ' ')}" for name in COLUMNS)], [_row(one) for one in books.accounts])
    say("")
    for finding in books.findings:
        say(finding, style="red")
    say(
        f"{books.analyses} candles closed, {books.skipped} without an analysis; {books.alerts} alerts, "
        f"{books.unnoticed} changes unnoticed; the state is {'NOT ' if books.findings else ''}sound"
    )
    lost, doubled = sum(a.lost for a in books.accounts), sum(a.doubled for a in books.accounts)
    verdict = "well" if report.ok else "NOT well"
    say(
        f"{total} kills in {report.seconds:.0f} s (seed {seed}, {report.late} from outside because the point was not "
        f"met in time): {lost} lost, {doubled} doubled: {verdict}",
        style="bold" if report.ok else "bold red",
    )


def _row(account: Any) -> list[Any]:  # noqa: ANN401 - its room is imported with the run
    return [account.lane, *(getattr(account, name) for name in COLUMNS)]


def _as_json(report: "Report", seed: int) -> dict[str, Any]:
    books = report.books
    names = (*COLUMNS, "most_repeats")
    return {
        "ok": report.ok,
        "seed": seed,
        "seconds": round(report.seconds, 1),
        "kills": dict(sorted(report.kills.items())),
        "late": report.late,
        "channels": {a.lane: {name: getattr(a, name) for name in names} for a in books.accounts},
        "analyses": books.analyses,
        "alerts": books.alerts,
        "skipped": books.skipped,
        "unnoticed": books.unnoticed,
        "findings": list(books.findings),
    }
