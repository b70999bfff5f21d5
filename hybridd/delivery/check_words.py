"""What the second watcher says: a headline for each of its findings, what it means, and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass

from hybridd.clock import iso
from hybridd.delivery.figures import clock_time, duration, zone_of

_FOOT = "From the second watcher (`hybridd check`), which tells by a way of its own, apart from the alerts."
_AGAIN = "It is told again every six hours while it lasts, and once when it is over."


@dataclass(frozen=True, slots=True)
class Words:
    """`headline` with {subject}, `means` a sentence."""

    headline: str
    means: str


WORDS: dict[str, Words] = {
    "C01": Words("nobody watches the markets", "No analysis is made and no alert can come until hybridd runs again."),
    "C02": Words("{subject} is not analysed", "The price may be moving without hybridd seeing it."),
    "C03": Words("alerts wait to be sent by {subject}", "What hybridd found has not reached you by this channel."),
    "C04": Words("sending alerts hangs", "It is not known whether these alerts have reached you."),
    "C05": Words("alerts without an end ({subject})", "Alerts are stuck: some may have reached nobody."),
    "C06": Words("alerts are unaccounted for", "What was found and what was told do not add up."),
    "C07": Words("the disk is nearly full", "When it is full nothing can be stored, and then nothing can be told."),
    "C08": Words("the clock is kept right by nobody", "Times and time limits drift away from the exchange's."),
    "C09": Words("the state cannot be used", "hybridd can neither remember nor tell anything without its state."),
    "C10": Words("hybridd starts again and again", "Between two starts nobody watches."),
    "C11": Words("{subject} has failed", "systemd found it dead. It may have been started again since."),
    "C12": Words("the settings have errors", "The next start would fail."),
}
_RESULTS = {
    "exit-code": "it ended by itself with an error",
    "signal": "a signal killed it",
    "core-dump": "it crashed",
    "watchdog": "it hung: the watchdog was not fed",
    "timeout": "it did not start or stop in time",
    "oom-kill": "the machine was out of memory",
    "start-limit-hit": "it failed too often in a short time and is not started again",
    "resources": "the machine could not give it what its unit asks for (a credential, a folder, memory)",
    "protocol": "it never said that it is ready",
}


def headline(finding_id: str, subject: str) -> str:
    """One line about a finding."""
    return WORDS[finding_id].headline.format(subject=subject)


def began(
    finding_id: str,
    subject: str,
    detail: str,
    remedy: str,
    *,
    host: str,
    lasting_ms: int,
    unproven: Mapping[str, str] | None = None,
) -> tuple[str, str]:
    """Title and text of a trouble's first mail or, `lasting_ms` after its beginning, of a reminder.

    `unproven`: the daemon's channels that nothing has proven of late, with the reason.
    """
    still = f"still, after {duration(lasting_ms)}: " if lasting_ms else ""
    title = f"hybridd on {host}: {still}{headline(finding_id, subject)}"
    doubtful = "; ".join(f"{channel} ({why})" for channel, why in sorted((unproven or {}).items()))
    beside = f"Do not count on every channel: unproven are {doubtful}." if doubtful else ""
    do = f"What to do: {remedy}" if remedy else ""
    return title, _page(f"{detail}.", WORDS[finding_id].means, do, beside, _AGAIN)


def over(
    finding_id: str, subject: str, detail: str, *, host: str, since: int, until: int, zone: str
) -> tuple[str, str]:
    """Title and text of the mail that tells the end of a trouble."""
    title = f"hybridd on {host}: over: {headline(finding_id, subject)}"
    span = f"It began at {clock_time(since, zone_of(zone))} and lasted {duration(until - since)}."
    return title, _page("This is over.", f"It was: {detail}.", span)


def unit_failed(unit: str, facts: dict[str, str], *, host: str, at: int, more: int) -> tuple[str, str]:
    """Title and text for a unit that died; `facts` from systemd: result, code, status. `more`: deaths not told of."""
    result = facts.get("result", "")
    why = _RESULTS.get(result, f"result {result}" if result else "systemd did not say how")
    status = ", ".join(f"{name} {facts[name]}" for name in ("code", "status") if facts.get(name))
    title = f"hybridd on {host}: {headline('C11', unit)}"
    since = f"It has also failed {more} times since it was last told." if more else ""
    what = f"{unit} failed at {iso(at // 1000 * 1000)}: {why}" + (f" ({status})" if status else "") + "."
    do = f"What to do: `systemctl status {unit}`, `journalctl -u {unit} -n 50`; `hybridd doctor` checks the rest."
    return title, _page(what, since, WORDS["C11"].means, do)


def _page(*lines: str) -> str:
    return "\n\n".join(line for line in (*lines, _FOOT) if line) + "\n"
