"""Where a reader can see and answer an alert; no link where it would lead nowhere."""

import ipaddress
from urllib.parse import urlsplit

HERE = frozenset({"journal", "dashboard"})
"""Channels whose reader sits at this machine."""


def alert_link(public_url: str, alert_id: int, *, here: bool = False) -> str:
    """The page of an alert below `public_url`; "" without one, for an alert that is not stored, and for an address
    that means "this machine", unless the reader sits `here`: on a phone it would open the phone itself."""
    if not public_url or not alert_id or (_is_loopback(public_url) and not here):
        return ""
    return f"{public_url.rstrip('/')}/alerts/{alert_id}"


def answer_link(public_url: str, token: str) -> str:
    """The page on which a proposal is answered; "" as for alerts. It never lies at this machine: a token travels."""
    if not public_url or not token or _is_loopback(public_url):
        return ""
    return f"{public_url.rstrip('/')}/a/{token}"


def hook_address(public_url: str, path: str) -> str:
    """Where a provider can call us; "" where it cannot."""
    return "" if not public_url or _is_loopback(public_url) else f"{public_url.rstrip('/')}{path}"


def _is_loopback(url: str) -> bool:
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
