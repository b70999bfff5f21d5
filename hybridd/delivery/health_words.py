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
    Reason.BROKER_DOWN: Words(
        "{subject}: orders cannot be sent or asked about",
        "{subject}: orders can be sent and asked about again",
        "Stops and targets that wait at the exchange stay there. What became of other orders is not known.",
        "Look at the exchange's status page and at your API key; close what must be closed on the exchange's own page.",
    ),
    Reason.BROKER_DIFFERS: Words(
        "{subject}: the account does not hold what the trades say",
        "{subject}: account and trades agree again",
        "Somebody sold or moved it. Until both agree hybridd places no stop and no target for {subject}.",
        "If you left the trade yourself, record it: hybridd trades close ID PRICE.",
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
    Reason.ADDRESS_BAD: Words(
        "Alerts no longer go to {subject}",
        "Alerts go to {subject} again",
        "Its provider says that nobody can be reached there, so nothing more is sent to it. The others carry on.",
        "Correct it in the settings; if it is right, send it a test, or use `hybridd alerts enable CHANNEL ADDRESS`.",
    ),
    Reason.ALERTS_MISSED: Words(
        "Alerts were missed while they could not be delivered",
        "What was missed has been told",
        "These alerts reached nobody in time. What they told of may have changed since.",
        "`hybridd alerts why ID` tells what became of each; `hybridd analyze` shows how the markets are now.",
    ),
    Reason.SMS_BUDGET: Words(
        "The day's SMS are spent",
        "SMS can be sent again",
        "Until midnight alerts reach you by the other channels alone; what waits comes as one SMS then.",
        "[alerts] daily_sms_segments is the most that a day may cost; sms_reserve is kept for critical alerts.",
    ),
    Reason.TEST: Words(
        "This is a test alert",
        "The test is over",
        "Nothing has happened. You asked for it, and the way from hybridd to you works.",
        "Nothing to do.",
    ),
    Reason.DRILL: Words(
        "This is a drill, not an alert",
        "The drill is over",
        "Nothing has happened. Once a week hybridd tries every way to you that no real alert has tried.",
        "Nothing to do. `[health] drill` sets its time; `hybridd status` shows which channels are proven.",
    ),
    Reason.REPORT: Words(
        "Your report is ready",
        "The report is over",
        "The mail holds a period in review: your decisions, your trades, the markets and hybridd itself.",
        "Nothing to do. `hybridd report` shows it again; `hybridd-report.timer` says when it comes.",
    ),
}
