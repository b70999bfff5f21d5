"""Push messages by Firebase, over its own library: one attempt a send, one copy on the device.

A second copy has the same collapse key and tag and takes the first one's place, so sending again is safe. Firebase says
that it took a message, never that a device showed it.
"""

import json
import threading
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hybridd.clock import Clock
from hybridd.delivery.attempt import Attempt, Masks, attempt, broken_off, masks_of, trouble_of
from hybridd.delivery.firebase_failures import REMEDIES, classify
from hybridd.delivery.push_text import name_of, push_message, target_of
from hybridd.delivery.sms_text import ms_left
from hybridd.model.delivery import Failure, Message, Outcome

if TYPE_CHECKING:
    import firebase_admin

T = TypeVar("T")
_HOST, _LOGIN = "fcm.googleapis.com", "Google's login"
_BUSY = frozenset({408, 429, 500, 502, 503, 504})


class FirebaseChannel:
    """Messages to `devices`: registration tokens ("…" or "token:…") and installations ("fid:…").

    Recipients are called by their kind and a digest: an address of 160 characters says nothing to a person.
    `credentials_file` is a service account's, read at the first message. `timeout` (s) holds for a whole call.
    """

    name = "push"
    idempotent = True

    def __init__(
        self, *, credentials_file: Path, devices: tuple[str, ...], clock: Clock, timeout: float = 15.0
    ) -> None:
        self._credentials_file = credentials_file
        self._devices = {name_of(target): target for target in map(target_of, devices)}
        self._clock, self._timeout = clock, timeout
        self._masks: Masks = masks_of(value for _, value in self._devices.values())
        self._made: firebase_admin.App | None = None
        self._lock = threading.Lock()

    @property
    def recipients(self) -> tuple[str, ...]:
        """The names of the devices alerts go to."""
        return tuple(self._devices)

    def send(self, message: Message) -> Outcome:
        """Send one message to one device."""
        return self._masks.clean(self._say(message, dry_run=False))

    def find(self, message: Message) -> Outcome | None:  # noqa: ARG002 - the protocol's shape
        """Firebase cannot be asked; a second copy takes the first one's place."""
        return None

    def check(self) -> Outcome:
        """Log in, and let Firebase check a message to each device without sending it."""
        if not self._devices:
            detail = "no device is registered → the dashboard's page /devices, or push.device_tokens"
            return Outcome(failure=Failure.ACCOUNT, detail=detail)
        said = [self._say(_trial(recipient, self._clock.now()), dry_run=True) for recipient in self._devices]
        bad = [outcome for outcome in said if outcome.failure is not None]
        grave = [outcome for outcome in bad if outcome.failure is not Failure.ADDRESS]
        if grave or len(bad) == len(said):
            worst = (grave or bad)[0]
            # Nothing was sent, whatever became of the question.
            failure = Failure.RETRY if worst.failure is Failure.UNKNOWN else worst.failure
            return self._masks.clean(Outcome(failure=failure, detail=worst.detail, retry_after=worst.retry_after))
        words = f"Firebase: logged in, {len(said) - len(bad)} of {len(said)} devices can be reached"
        return self._masks.clean(Outcome(detail=f"{words}; {bad[0].detail}" if bad else words))

    def close(self) -> None:
        """Let go of the library's app; the next call makes another."""
        with self._lock:
            app, self._made = self._made, None
        if app is not None:
            import firebase_admin

            firebase_admin.delete_app(app)

    def _say(self, message: Message, *, dry_run: bool) -> Outcome:
        from firebase_admin import messaging

        target = self._devices.get(message.recipient)
        if target is None:
            return Outcome(failure=Failure.ADDRESS, detail=f"[push] device_tokens has no {message.recipient} any more")
        try:
            app = self._app()
        except (OSError, ValueError) as error:
            return Outcome(failure=Failure.ACCOUNT, detail=_unusable(self._credentials_file, error))
        refused = self._log_in(app)
        if refused is not None:
            return refused
        made = push_message(message, target, ms_left(message, self._clock.now()))
        tried = attempt(lambda: str(messaging.send(made, dry_run=dry_run, app=app)), self._timeout)
        if tried.value is not None:
            return Outcome(provider_id=tried.value, detail="Firebase took it")
        return _refused(tried)

    def _log_in(self, app: "firebase_admin.App") -> Outcome | None:
        """Fetch an access token where there is no fresh one; what went wrong, or None."""
        credential = app.credential.get_credential()
        if credential.valid:
            return None
        tried = attempt(lambda: _refresh(credential, self._timeout), self._timeout)
        return None if tried.error is None else _no_token(tried)

    def _app(self) -> "firebase_admin.App":
        with self._lock:
            if self._made is None:
                self._made = _connect(self._credentials_file, self._timeout)
            return self._made


class _TooBusy(Exception):
    """Google's login cannot answer now."""


def _refresh(credential: Any, timeout: float) -> None:  # noqa: ANN401 - Google's untyped credential
    """Fetch a token, asking once: the library would ask three times and sleep in between, but here the outbox waits."""
    import requests
    from google.auth.transport.requests import Request

    from hybridd.delivery.wire import wire

    with requests.Session() as session:
        wire(session)
        request = Request(session)

        def ask(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - handed through
            response = request(*args, **{**kwargs, "timeout": timeout})
            if response.status in _BUSY:
                raise _TooBusy
            return response

        credential.refresh(ask)


def _no_token(tried: Attempt[None]) -> Outcome:
    """What a failed login means. A token is no message: whatever became of the request, nothing was sent."""
    from google.auth.exceptions import RefreshError

    answer = tried.call.answer
    if answer is None or answer.status < 400:
        return Outcome(failure=Failure.RETRY, detail=f"{_LOGIN} {trouble_of(tried.error)}")
    if not isinstance(tried.error, RefreshError):
        detail = f"{_LOGIN}: HTTP {answer.status}"
        return Outcome(failure=Failure.RETRY, detail=detail, retry_after=answer.retry_after)
    words = str(tried.error.args[0]) if tried.error.args else f"HTTP {answer.status}"
    remedy = "is this machine's clock right? otherwise make a new key for the service account"
    return Outcome(failure=Failure.ACCOUNT, detail=f"{_LOGIN}: {words} → {remedy}")


def _connect(credentials_file: Path, timeout: float) -> "firebase_admin.App":
    """An app with a session that tries once. Raises OSError or ValueError where the file is no service account's."""
    # Imported with the first message: who waits for READY does not wait for them.
    import firebase_admin
    from firebase_admin import credentials, messaging

    from hybridd.delivery.wire import wire

    account = json.loads(credentials_file.read_text())
    if not isinstance(account, dict):
        raise ValueError("no service account")
    certificate = credentials.Certificate(account)
    name = f"hybridd-{uuid.uuid4()}"  # apps are the whole process's: a reload makes its own beside the old one
    app = firebase_admin.initialize_app(certificate, {"httpTimeout": timeout}, name=name)
    # The library offers no way to say "once": it sends up to five times and sleeps as long as Retry-After asks. The
    # test of this file fails when a new version keeps its session elsewhere.
    wire(messaging._get_messaging_service(app)._client.session, "http://", f"https://{_HOST}")
    return app


def _refused(tried: Attempt[T]) -> Outcome:
    """The outcome of a message that was not taken, read from the answer itself."""
    answer = tried.call.answer
    if answer is None:
        return broken_off(tried, _HOST)
    if answer.ok:
        return Outcome(failure=Failure.UNKNOWN, detail=f"{_HOST} {trouble_of(tried.error)}")
    refusal = classify(answer.status, answer.body)
    detail = f"Firebase: {refusal.code} {refusal.words}".rstrip()
    detail = f"{detail} → {REMEDIES[refusal.code]}" if refusal.code in REMEDIES else detail
    return Outcome(failure=refusal.failure, detail=detail, retry_after=answer.retry_after)


def _unusable(path: Path, error: Exception) -> str:
    what = error.strerror if isinstance(error, OSError) else "it is no service account's key"
    return f"[push] credentials_file {path} cannot be used: {what} → download a key for the service account again"


def _trial(recipient: str, now: int) -> Message:
    """A message to be looked at, not sent."""
    return Message(
        key=f"check:{recipient}",
        recipient=recipient,
        title="hybridd",
        text="",
        html="",
        created_at=now,
        expires_at=now + 60_000,
        severity="info",
        fields={},
        body="check",
    )
