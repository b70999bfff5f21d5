"""What a digest says: how many alerts piled up and why, what they are about, and a line for each that matters."""

from collections.abc import Callable
from datetime import tzinfo

from hybridd.delivery.figures import clock_time, duration
from hybridd.model.alert import Alert, Digest, Line
from hybridd.model.change import Suppression

_NAMED = 3

_WHILE = {
    Suppression.QUIET_HOURS: "in your quiet hours",
    Suppression.BUDGET: "while the day's SMS were spent",
}


def digest_headline(digest: Digest) -> str:
    """ "7 more alerts in 10 min: BTC/USDT 4, ETH/USDT 3"."""
    many = "alert" if digest.count == 1 else "alerts"
    why = next((words for cause, words in _WHILE.items() if cause in digest.causes), "")
    when = why or f"in {duration(max(digest.until - digest.since, 60_000))}"
    more = "" if why else " more"
    named = ", ".join(f"{tally.subject} {tally.count}" for tally in digest.tallies[:_NAMED])
    rest = digest.count - sum(tally.count for tally in digest.tallies[:_NAMED])
    others = f", others {rest}" if rest else ""
    return f"{digest.count:,}{more} {many} {when}: {named}{others}"


def digest_lines(digest: Digest, zone: tzinfo, headline: Callable[[Alert], str]) -> tuple[str, ...]:
    """A sentence a line, times in `zone`; `headline` gives an alert's own."""
    lines = [_line(line, digest, zone, headline) for line in digest.lines]
    left = digest.count - len(digest.lines)
    if left:
        lines.append(f"And {left:,} more: `hybridd alerts list` has all of them.")
    return tuple(lines)


def _line(line: Line, digest: Digest, zone: tzinfo, headline: Callable[[Alert], str]) -> str:
    alert = Alert(
        key="",
        subject=line.change.subject,
        created_at=line.created_at,
        expires_at=line.created_at,
        changes=(line.change,),
        analysis=line.analysis,
        before=line.before,
        simulated=line.simulated,
        resolves=line.resolves,
    )
    over = " (past)" if line.past else ""
    return f"{clock_time(line.created_at, zone, digest.until)} {headline(alert)}{over}"
