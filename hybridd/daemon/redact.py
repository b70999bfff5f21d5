"""Secrets that were registered never leave through a log: not in a message, a field or a traceback."""

import base64
import logging
import threading
from urllib.parse import quote, quote_plus

_SHORTEST = 4
_MASK = "***"
_lock = threading.Lock()
_secrets: tuple[str, ...] = ()
_PLAIN = logging.Formatter()


def register_secret(text: str) -> None:
    """Mask `text`, and the ways that URLs, headers and reprs write it, in every record from now on.

    Anything shorter than four characters is left alone: masking it would blacken words that are no secret, and
    nothing that short protects anything.
    """
    global _secrets  # noqa: PLW0603 - what is secret is secret for the whole process, whoever logs
    if len(text) < _SHORTEST:
        return
    forms = {text, quote(text, safe=""), quote_plus(text), repr(text)[1:-1], base64.b64encode(text.encode()).decode()}
    with _lock:
        # The longest first: a secret may be part of another.
        _secrets = tuple(sorted(forms | set(_secrets), key=lambda form: (-len(form), form)))


def redacted(text: str) -> str:
    """The text with every registered secret masked, and half a surrogate pair, which no stream takes, written out."""
    text = text.encode(errors="backslashreplace").decode()
    for secret in _secrets:
        if secret in text:
            text = text.replace(secret, _MASK)
    return text


class RedactFilter(logging.Filter):
    """Put on every handler: what passes it holds no registered secret, for the handlers after it as well."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Finish the record's text here and now, because arguments and exceptions are rendered late otherwise."""
        record.msg, record.args = redacted(_message_of(record)), None
        if record.exc_info and not record.exc_text:
            record.exc_text = _PLAIN.formatException(record.exc_info)
        record.exc_info = None
        record.exc_text = redacted(record.exc_text) if record.exc_text else None
        record.stack_info = redacted(record.stack_info) if record.stack_info else None
        for name, value in list(vars(record).items()):
            if name.isupper():
                setattr(record, name, redacted(str(value)))
        return True


def _message_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        # A wrong number of arguments is a defect of the caller's; the line must come out all the same.
        return f"{record.msg} {record.args}"
