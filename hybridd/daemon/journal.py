"""Where log records go: to the systemd journal with fields, or as plain lines to standard error."""

import logging
import os
import re
import sys
import time
from functools import cache
from typing import TextIO

from hybridd.daemon.bounded import BoundedHandler, Target
from hybridd.daemon.redact import RedactFilter
from hybridd.daemon.redact import register_secret as register_secret

# One id a kind of event, for ever: `journalctl MESSAGE_ID=…` and catalog entries rely on them.
EVENTS: dict[str, str] = {
    "started": "512d6abd134b4df8a6f36f64630980ad",
    "stopped": "0badf04d6107469e8abc3bfc34c9b52b",
    "analysis": "933a5d5ac76b4897b9ea7f043359df57",
    "alert": "f0b8d70e841c42e78e5c35338a2f3a67",
    "delivery_failed": "43c8976c70cf4049b5758e25d451a211",
    "feed_stale": "9d0399fb0ec94d25bf21be54aec429da",
    "feed_recovered": "cb1e5994246348f782d66c8b3fc0c52c",
    "reload_ok": "cda5c66c89514bd4a0bcc10c6ed17f5f",
    "reload_refused": "11fed425063f4f00b0836cf5a5300bc9",
    "cycle_late": "816e8925a0904cbdb419b0758ec05366",
    "quarantine": "cf0536c07cf5400f89435a0ccceef25b",
    "migration": "7683de75f3474a6dbf22eb5938511d0c",
}

# What the journal handler sets itself; given a second time it loses the record.
_RESERVED = re.compile(r"PRIORITY|MESSAGE|MESSAGE_ID|CODE_.*|LOGGER|THREAD_NAME|PROCESS_NAME|SYSLOG_.*|EXCEPTION_.*")
_FIELD = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
# They log every request with its whole address, or every job of every second, as news.
_CHATTY = ("httpx", "httpcore", "urllib3", "apscheduler", "twilio", "asyncio", "ccxt")


def fields(event: str = "", **values: object) -> dict[str, str]:
    """`log.info("…", extra=fields("analysis", SYMBOL="BTC/USDT", SCORE=78))`: facts beside the sentence.

    The journal stores each as a field of its own; plain lines leave them out. `event` is a key of EVENTS. Names are
    capitals, digits and underscores and not one of the journal's own; another is a defect: ValueError.
    """
    for name in values:
        _require_name(name)
    if event and event not in EVENTS:
        raise ValueError(f'"{event}" is not a kind of event')
    named = {name: str(value) for name, value in values.items()}
    return {**named, "HYBRIDD_EVENT": event} if event else named


@cache  # the same few names, at each line of the journal
def _require_name(name: str) -> None:
    if not _FIELD.fullmatch(name) or _RESERVED.fullmatch(name):
        raise ValueError(f'"{name}" cannot be the name of a journal field')


class PlainFormatter(logging.Formatter):
    """`2026-11-22 14:55:00Z INFO  cycle: …`; a record is one line, its traceback indented below.

    `priorities` writes `<6>cycle: …` instead, which the journal reads from a service's standard error (sd-daemon(3)).
    """

    def __init__(self, *, priorities: bool = False) -> None:
        super().__init__()
        self._priorities = priorities

    def format(self, record: logging.LogRecord) -> str:
        """The record as text, without a line end."""
        head = f"<{priority_of(record.levelno)}>" if self._priorities else _head(record)
        below = "\n".join(part for part in (record.exc_text, record.stack_info) if part)
        lines = [f"{record.name.removeprefix('hybridd.')}: {_escaped(record.getMessage())}"]
        lines += [f"    {_escaped(line)}" for line in below.splitlines()]
        return "\n".join(head + line if self._priorities or not i else line for i, line in enumerate(lines))


def _head(record: logging.LogRecord) -> str:
    stamp = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(record.created))
    return f"{stamp} {record.levelname:<5} "


def priority_of(level: int) -> int:
    """The syslog priority of a logging level: 2 critical … 7 debug."""
    return next((priority for least, priority in _PRIORITIES if level >= least), 7)


def _escaped(text: str) -> str:
    """What a terminal or a reader of lines would take for more than text, written out."""
    return _UNPRINTABLE.sub(lambda m: m[0].encode("unicode_escape").decode(), text)


def setup_logging(
    *, stream: TextIO | None = None, level: int | str = "INFO", under_systemd: bool | None = None
) -> None:
    """Send every record of the process to one place; a second call replaces the first.

    `stream` is standard error by default. `under_systemd` None finds out: whether JOURNAL_STREAM names `stream`
    (systemd.exec(5)). `level` is a name or number of logging's.
    """
    stream = sys.stderr if stream is None else stream
    if under_systemd is None:
        under_systemd = is_journal(stream, os.environ.get("JOURNAL_STREAM", ""))
    handler = (_journal_handler() if under_systemd else None) or _stream_handler(stream, priorities=under_systemd)
    root = logging.getLogger()
    for old in [h for h in root.handlers if any(isinstance(f, RedactFilter) for f in h.filters)]:
        root.removeHandler(old)
        old.close()
    handler.addFilter(RedactFilter())
    root.addHandler(handler)
    root.setLevel(level.upper() if isinstance(level, str) else level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)


def is_journal(stream: TextIO, journal_stream: str) -> bool:
    """Whether `stream` is the socket "device:inode" that systemd connected to the journal."""
    try:
        stat = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return journal_stream == f"{stat.st_dev}:{stat.st_ino}"


def _stream_handler(stream: TextIO, *, priorities: bool) -> logging.Handler:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(PlainFormatter(priorities=priorities))
    return handler


def _journal_handler() -> logging.Handler | None:
    """The journal behind a bounded queue, or None on a machine without systemd-python."""
    try:
        from systemd.journal import JournalHandler
    except ImportError:
        return None
    target: Target = JournalHandler(SYSLOG_IDENTIFIER="hybridd")
    return BoundedHandler(target, prepare=journal_record)


def journal_record(record: logging.LogRecord) -> logging.LogRecord:
    """A copy that holds what the journal may have and nothing else: no arguments, no foreign or reserved field."""
    text = "\n".join(part for part in (record.getMessage(), record.exc_text, record.stack_info) if part)
    copy = logging.LogRecord(
        record.name, record.levelno, record.pathname, record.lineno, text, None, None, record.funcName
    )
    copy.created, copy.threadName, copy.processName = record.created, record.threadName, record.processName
    for name, value in vars(record).items():
        if _FIELD.fullmatch(name) and not _RESERVED.fullmatch(name):
            setattr(copy, name, str(value))
    event = EVENTS.get(getattr(record, "HYBRIDD_EVENT", ""))
    if event:
        copy.MESSAGE_ID = event
    return copy
