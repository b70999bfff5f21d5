"""The journal as a channel: every alert becomes one structured log record, so that none is ever told to nobody."""

import logging
import re

from hybridd.model.delivery import Message, Outcome

log = logging.getLogger("hybridd.alert")

RECIPIENT = "journal"
_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "critical": logging.CRITICAL}
# journald takes capitals, digits and underscores; the last four groups are set by the handler and, given twice,
# make it lose the record.
_NAME = re.compile(r"(?!PRIORITY$|MESSAGE|CODE_|LOGGER$|THREAD_NAME$|PROCESS_NAME$|SYSLOG_)[A-Z][A-Z0-9_]{0,63}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


class JournalChannel:
    """Writes the message's title as a log line and its facts as fields; takes no configuration and cannot be down."""

    name = "journal"
    # A record carries its key: written twice it is one record to whoever counts, and nobody is woken by it.
    idempotent = True

    @property
    def recipients(self) -> tuple[str, ...]:
        """One: the journal itself."""
        return (RECIPIENT,)

    def send(self, message: Message) -> Outcome:
        """Log it; the record is the delivery."""
        extra = {name: one_line(value) for name, value in message.fields.items() if _NAME.fullmatch(name)}
        extra["HYBRIDD_EVENT"] = "alert"
        extra["DELIVERY_KEY"] = one_line(message.key)
        log.log(_LEVELS.get(message.severity, logging.WARNING), "%s", one_line(message.title), extra=extra)
        return Outcome(delivered=True, provider_id=message.key, detail="written to the journal")

    def find(self, message: Message) -> Outcome | None:  # noqa: ARG002 - the protocol's shape
        """The journal is not asked: reading it back needs rights that the daemon does not have."""
        return None

    def check(self) -> Outcome:
        """Always able."""
        return Outcome(delivered=True, detail="the journal is always there")

    def close(self) -> None:
        """Holds nothing."""


def one_line(text: str) -> str:
    """The text with everything that could start a second line or move a terminal's cursor made a space."""
    return _UNPRINTABLE.sub(" ", text).strip()
