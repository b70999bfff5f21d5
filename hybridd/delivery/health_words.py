"""What alerts about hybridd's own health say: what it is, what it means, what to do. One line of the table a reason."""

from dataclasses import dataclass

from hybridd.model.change import Reason


@dataclass(frozen=True, slots=True)
class Words:
    """`began` and `ended` are headlines with {subject}, `means` and `do` sentences."""

    began: str
    ended: str
    means: str
    do: str


WORDS: dict[Reason, Words] = {
    Reason.FEED_STALE: Words(
        "{subject}: no fresh candles",
        "{subject}: fresh candles again",
        "The price may be moving without hybridd seeing it. Until this ends there are no market alerts for {subject}.",
        "Look at the exchange's status page and at this machine's network; `hybridd doctor` says which part fails.",
    ),
    Reason.LAYERS_MISSING: Words(
        "{subject}: layers of the analysis are missing",
        "{subject}: the analysis is complete again",
        "Scores still come, from fewer opinions than they should; their confidence is capped.",
        "`hybridd analyze {subject}` shows which layers are silent and why: most often an outside source is down.",
    ),
    Reason.BRAIN_FAILED: Words(
        "{subject}: the analysis fails",
        "{subject}: the analysis works again",
        "There is no score at present, and no market alert can come for {subject}.",
        "`journalctl -u hybridd` has the error. If you use a brain of your own, run it by hand and see what it prints.",
    ),
    Reason.CYCLE_LATE: Words(
        "{subject}: analyses come late",
        "{subject}: analyses come in time again",
        "Alerts reach you later than they should; the market may have moved on.",
        "Look at the machine's load. Fewer symbols or a longer time frame ([monitor]) make the work less.",
    ),
    Reason.CHANNEL_DOWN: Words(
        "Alerts cannot be delivered by {subject}",
        "Alerts can be delivered by {subject} again",
        "What should have reached you by {subject} has not. The other channels carry on.",
        "Check the account, the password and the address behind it; `hybridd alerts test {subject} --real` proves it.",
    ),
    Reason.DISK_LOW: Words(
        "{subject}: the disk is nearly full",
        "{subject}: there is room on the disk again",
        "When it is full nothing can be stored, and then nothing can be told.",
        "Make room on the disk that holds the state (/var/lib/hybridd), or set [database] keep_days.",
    ),
    Reason.CLOCK_SKEW: Words(
        "{subject}: this machine's clock is wrong",
        "{subject}: this machine's clock is right again",
        "Candles are closed by the exchange's clock, so analyses stay right, but times and time limits may be off.",
        "Switch on time synchronisation: `timedatectl set-ntp true`.",
    ),
    Reason.SYMBOL_UNKNOWN: Words(
        "{subject}: the exchange has no such market",
        "{subject}: the exchange has this market again",
        "{subject} is not watched. The other symbols are.",
        "Correct the name in [monitor] symbols, then `systemctl reload hybridd`.",
    ),
    Reason.ALERTS_UNACCOUNTED: Words(
        "{subject}: alerts are unaccounted for",
        "{subject}: every alert is accounted for again",
        "The books of what was found and what was told do not agree: an alert may have been lost.",
        "Look at `hybridd alerts list`, and please report it: this is a defect of hybridd.",
    ),
    Reason.TEST: Words(
        "This is a test alert",
        "The test is over",
        "Nothing has happened. You asked for it, and the way from hybridd to you works.",
        "Nothing to do.",
    ),
    Reason.REPORT: Words(
        "Your report is ready",
        "The report is over",
        "The mail holds a period in review: your decisions, your trades, the markets and hybridd itself.",
        "Nothing to do. `hybridd report` shows it again; `hybridd-report.timer` says when it comes.",
    ),
}
