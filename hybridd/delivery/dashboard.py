"""The dashboard as a channel: the message is put into the state, where the page finds it and says when it was seen."""

from hybridd.delivery.http_answers import whole
from hybridd.model.delivery import Message, Outcome

RECIPIENT = "dashboard"


class DashboardChannel:
    """Gives the courier what the page shows, to be written down with the delivery in one transaction.

    So a message is shown once whatever breaks off. It is "accepted" when it is there to be seen, never "delivered":
    an empty room has nobody in it. The page that shows it makes it "seen".
    """

    name = "dashboard"
    idempotent = True

    @property
    def recipients(self) -> tuple[str, ...]:
        """One: whoever opens the page."""
        return (RECIPIENT,)

    def send(self, message: Message) -> Outcome:
        """Lay it out for the page."""
        shown = {
            "key": message.key,
            "title": whole(message.title),
            "body": whole(message.body or message.text),
            "severity": message.severity,
            "link": message.link,
            "actions": [{"label": whole(action.label), "data": whole(action.data)} for action in message.actions],
            "created_at": message.created_at,
            "expires_at": message.expires_at,
        }
        return Outcome(provider_id=message.key, detail="on the page; nobody has looked at it yet", shown=shown)

    def find(self, message: Message) -> Outcome | None:  # noqa: ARG002 - the protocol's shape
        """What broke off was not written down: there is nothing to find."""
        return None

    def check(self) -> Outcome:
        """Always able: the state is its only place."""
        return Outcome(detail="messages wait in the state for the page")

    def close(self) -> None:
        """Holds nothing."""
