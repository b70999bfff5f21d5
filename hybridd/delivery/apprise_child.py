"""The child that speaks to Apprise: one JSON object on standard input, one on standard output, and it is gone.

Question: {"url", "title", "body", "severity"} or {"url", "check": true}. Answer: {"understood", "ok", "words",
"statuses", "never_sent", "retry_after"}: what Apprise says, and what the services answered to its HTTP requests.
"""

import json
import logging
import os
import sys
from typing import Any

import apprise
import requests
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError, SSLError

_KINDS = {"critical": "failure", "warning": "warning", "info": "info"}
# Nothing of the request was written. NameResolutionError is a NewConnectionError.
_NEVER_SENT = (NewConnectionError, ConnectTimeoutError)


class Witness:
    """Sees every HTTP request that a plug-in makes by requests, and what came of it."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.retry_after = 0
        self.unsent, self.lost = 0, 0

    def watch(self) -> None:
        """From now on."""
        real = requests.Session.send

        def send(session: requests.Session, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # noqa: ANN401
            try:
                answer = real(session, request, **kwargs)
            except requests.RequestException as error:
                self._failed(error)
                raise
            self.statuses.append(answer.status_code)
            wait = answer.headers.get("Retry-After", "")
            self.retry_after = int(wait) if wait.isascii() and wait.isdigit() else 0
            return answer

        requests.Session.send = send  # type: ignore[method-assign, assignment]

    def _failed(self, error: requests.RequestException) -> None:
        cause = error.args[0] if error.args else None
        reason = cause.reason if isinstance(cause, MaxRetryError) else cause
        unverified = isinstance(reason, SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(reason)
        if isinstance(reason, _NEVER_SENT) or unverified:
            self.unsent += 1
        else:
            self.lost += 1

    @property
    def never_sent(self) -> bool:
        """Whether it is certain that no request reached anybody."""
        return self.unsent > 0 and not self.lost and not self.statuses


class Ear(logging.Handler):
    """Keeps the last complaint: Apprise returns no reason."""

    last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.last = record.getMessage()


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """What became of the question."""
    witness, ear = Witness(), Ear(logging.WARNING)
    logging.getLogger("apprise").addHandler(ear)
    witness.watch()
    asset = apprise.AppriseAsset(app_id="hybridd", app_desc="hybridd", secure_logging=True, async_mode=False)
    service = apprise.Apprise.instantiate(question["url"], asset=asset, suppress_exceptions=True)
    if service is None or question.get("check"):
        return {"understood": service is not None, "ok": service is not None}
    sender = apprise.Apprise(asset=asset)
    sender.add(service)
    kind = apprise.NotifyType(_KINDS.get(question["severity"], "info"))
    ok = sender.notify(body=question["body"], title=question["title"], notify_type=kind, body_format="text")
    return {
        "understood": True,
        "ok": bool(ok),
        "words": ear.last,
        "statuses": witness.statuses,
        "never_sent": witness.never_sent,
        "retry_after": witness.retry_after,
    }


def main() -> None:
    """Read, send, say."""
    question = json.load(sys.stdin)
    # What a plug-in prints must not be taken for the answer.
    out = os.dup(1)
    os.dup2(2, 1)
    with os.fdopen(out, "w") as said:
        json.dump(answer(question), said)


if __name__ == "__main__":
    main()
