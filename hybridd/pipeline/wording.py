"""Wording: what a delivery says, and how its provider is asked whether it has said so already."""

import logging
from dataclasses import dataclass, replace

from hybridd.delivery.render import message_for, plain_message
from hybridd.errors import StoreError
from hybridd.model.alert import Alert
from hybridd.model.delivery import Delivery, Message
from hybridd.pipeline.letters import letter
from hybridd.pipeline.offers import ever_offered, offer_for
from hybridd.store.store import Store

log = logging.getLogger("hybridd.wording")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """Times in the reader's `zone`, links to `public_url`, codes and tokens made from `key`."""

    store: Store
    zone: str
    public_url: str
    key: bytes

    def message(self, alert: Alert, delivery: Delivery, *, repeat: bool, image: bytes = b"") -> Message:
        """The alert in words; in plain ones where the right ones cannot be found: silence would be worse."""
        try:
            offer, link = offer_for(self.store, alert, delivery, self.public_url, self.key)
            return letter(self.store, alert, delivery) or message_for(
                alert, delivery, zone=self.zone, repeat=repeat, link=link, image=image, offer=offer
            )
        except StoreError:
            raise
        except Exception:  # a defect in a sentence must not cost the alert
            log.exception("alert %d goes in plain words: it could not be rendered", alert.id)
            return plain_message(alert, delivery, repeat=repeat)

    def asked_for(self, message: Message, alert: Alert, delivery: Delivery) -> Message:
        """The message with every form that it may have gone out in, and with the ids of what are others' messages."""
        others = self.store.attempts.ids_of_others(delivery, alert.created_at)
        forms = {one.short for repeat in (False, True) for one in self._ever(alert, delivery, repeat)}
        return replace(message, forms=frozenset(forms), others=others)

    def _ever(self, alert: Alert, delivery: Delivery, repeat: bool) -> list[Message]:
        try:
            offered = ever_offered(self.store, alert, delivery, self.public_url, self.key)
            said = [
                message_for(alert, delivery, zone=self.zone, repeat=repeat, link=link, offer=offer)
                for offer, link in offered
            ]
        except StoreError:
            raise
        except Exception:  # noqa: BLE001 - told when the message itself was rendered
            said = []
        return [*said, plain_message(alert, delivery, repeat=repeat)]
