"""Any service that Apprise knows, by its URL: told without proof, because Apprise says yes or no and nothing more."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from hybridd.delivery.http_answers import clean, failure_of, parts_of, whole
from hybridd.model.delivery import Failure, Message, Outcome

UNPROVEN = "unproven"
_ENDED_BADLY = "the helper program for Apprise"
_TITLE_LENGTH, _BODY_LENGTH = 200, 3_000


class AppriseChannel:
    """Sends by Apprise in a child process: its plug-ins stay out of the daemon's memory, and none can hang it.

    What it says is not believed: it has reported success where a service had refused. The outcome is "accepted",
    marked unproven. Its URL holds passwords and tokens, so it is given to the child on standard input and to nobody
    else; `timeout` (s) is for all of a send.
    """

    idempotent = False
    proves = False
    """That it says yes is no proof that anybody can be reached by it: `status` calls it unproven for ever."""

    def __init__(self, *, name: str, url: str, timeout: float = 30.0, command: Sequence[str] = ()) -> None:
        self.name = name
        self._url, self._timeout = url, timeout
        # As this program was started: in the service nothing in the environment decides what is imported.
        alone = "-I" if sys.flags.isolated else "-P"
        self._command = tuple(command) or (sys.executable, alone, "-m", "hybridd.delivery.apprise_child")
        self._refused: Outcome | None = None

    @property
    def recipients(self) -> tuple[str, ...]:
        """The service's scheme: all else in the URL may be a secret."""
        return (f"{self._url.partition('://')[0]}://***",)

    def send(self, message: Message) -> Outcome:
        """Hand the message to Apprise; what the services answered to its requests decides how a no is understood."""
        body = message.body or message.text
        if message.link:
            body = f"{body.rstrip()}\n{message.link}"
        question: dict[str, object] = {
            "url": self._url,
            "title": whole(message.title)[:_TITLE_LENGTH],
            "body": whole(body)[:_BODY_LENGTH] or whole(message.title) or "hybridd",
            "severity": message.severity,
        }
        outcome = self._judged(question)
        if outcome.failure in {None, Failure.ACCOUNT}:
            self._refused = outcome if outcome.failure else None
        return outcome

    def find(self, message: Message) -> Outcome | None:  # noqa: ARG002 - the protocol's shape
        """Apprise cannot ask."""
        return None

    def check(self) -> Outcome:
        """Whether Apprise understands the URL; whether the service takes messages only a message shows."""
        answer = self._ask({"url": self._url, "check": True})
        if isinstance(answer, Outcome):
            # Nothing was sent, so nothing can have arrived.
            return Outcome(failure=Failure.RETRY, detail=answer.detail)
        if not answer.get("ok"):
            return self._not_understood()
        return self._refused or Outcome(detail="Apprise understands the URL; nothing more can be checked")

    def close(self) -> None:
        """Holds nothing between messages."""

    def _judged(self, question: dict[str, object]) -> Outcome:
        answer = self._ask(question)
        if isinstance(answer, Outcome):
            return answer
        if not answer.get("understood"):
            return self._not_understood()
        statuses = _numbers(answer.get("statuses"))
        words = self._clean(str(answer.get("words") or "no word of why"))
        if answer.get("ok"):
            seen = f", HTTP {statuses[-1]}" if statuses else ""
            return Outcome(detail=f"{UNPROVEN}: Apprise says that it was sent{seen}")
        failure = _meaning(statuses, never_sent=bool(answer.get("never_sent")))
        return Outcome(failure=failure, detail=f"Apprise says no: {words}", retry_after=_wait(answer))

    def _not_understood(self) -> Outcome:
        scheme = self._url.partition("://")[0]
        words = f"Apprise does not understand this {scheme}:// URL → its form: https://appriseit.com/services/"
        return Outcome(failure=Failure.ACCOUNT, detail=words)

    def _ask(self, question: dict[str, object]) -> "dict[str, object] | Outcome":
        """The child's answer; an outcome where it gave none."""
        try:
            with subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                start_new_session=True,
            ) as child:
                printed = self._talk(child, json.dumps(question).encode())
        except OSError as error:
            return Outcome(failure=Failure.RETRY, detail=f"{_ENDED_BADLY} does not start: {error.strerror}")
        except subprocess.TimeoutExpired:
            words = f"{_ENDED_BADLY} did not end within {self._timeout:g} s and was stopped"
            return Outcome(failure=Failure.UNKNOWN, detail=words)
        try:
            answer = json.loads(printed)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            words = f"{_ENDED_BADLY} ended with exit code {child.returncode} and without an answer"
            return Outcome(failure=Failure.UNKNOWN, detail=words)
        return answer

    def _talk(self, child: "subprocess.Popen[bytes]", question: bytes) -> bytes:
        try:
            return child.communicate(question, timeout=self._timeout)[0]
        finally:
            # The whole group: a plug-in may have started programs of its own.
            _kill(child.pid)

    def _clean(self, text: str) -> str:
        return clean(text, parts_of(self._url))


def _meaning(statuses: list[int], *, never_sent: bool) -> Failure:
    """A refusal is believed where every request was refused; where one may have got through, nobody knows."""
    if never_sent:
        return Failure.RETRY
    failures = [failure_of(status, {401: Failure.ACCOUNT, 403: Failure.ACCOUNT}) for status in statuses]
    last = failures[-1] if failures else None
    return last if last is not None and None not in failures else Failure.UNKNOWN


def _numbers(value: object) -> list[int]:
    return [number for number in value if isinstance(number, int)] if isinstance(value, list) else []


def _wait(answer: dict[str, object]) -> float:
    wait = answer.get("retry_after")
    return float(wait) if isinstance(wait, int) and 0 < wait < 604_800 else 0.0


def _environment() -> dict[str, str]:
    """The child's: without this program's own settings, which may hold the other channels' secrets."""
    return {k: v for k, v in os.environ.items() if not k.startswith("HYBRIDD_") and k != "CREDENTIALS_DIRECTORY"}


def _kill(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
