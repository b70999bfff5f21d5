"""A channel that keeps what it is given: for tests, and for users who try their rules without waking anybody."""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from hybridd.model.delivery import Message, Outcome


class MemoryChannel:
    """Takes every message, or answers as `script` says, one outcome a send; `sent` holds what a person would have.

    Where it is `idempotent`, a key that was taken before is taken again without a second message.
    """

    def __init__(
        self,
        name: str = "memory",
        *,
        recipients: tuple[str, ...] = ("somebody",),
        idempotent: bool = True,
        script: Iterable[Outcome] = (),
    ) -> None:
        self.name, self.idempotent = name, idempotent
        self._recipients = recipients
        self.script = deque(script)
        self.sent: list[Message] = []
        self.attempts = 0

    @property
    def recipients(self) -> tuple[str, ...]:
        return self._recipients

    def send(self, message: Message) -> Outcome:
        """Keep the message, unless the script has a failure for this attempt."""
        self.attempts += 1
        outcome = self.script.popleft() if self.script else Outcome()
        if outcome.failure is not None:
            return outcome
        if not (self.idempotent and self.find(message)):
            self.sent.append(message)
        return replace(outcome, provider_id=outcome.provider_id or f"memory:{message.key}")

    def find(self, message: Message) -> Outcome | None:
        """What is kept under the same key."""
        known = any(kept.key == message.key for kept in self.sent)
        return Outcome(provider_id=f"memory:{message.key}") if known else None

    def check(self) -> Outcome:
        """As the next send would go, without taking it from the script."""
        return self.script[0] if self.script else Outcome()

    def close(self) -> None:
        """There is nothing to let go of."""
