"""Where names lead in the self-test: those of providers to this machine, all others nowhere."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
TWILIO, VONAGE, TELEGRAM = "api.twilio.com", "rest.nexmo.com", "api.telegram.org"
FIREBASE, LOGIN, REGIONS = "fcm.googleapis.com", "oauth2.googleapis.com", "iamcredentials.googleapis.com"
BROWSERS, HOOKS, MAIL = "updates.push.services.mozilla.com", "hooks.selftest.example", "smtp.selftest.example"
STAND_IN = "stand-in.selftest.example"
SERVICES: Mapping[str, str] = {
    **dict.fromkeys((TWILIO, VONAGE, TELEGRAM, FIREBASE, LOGIN, REGIONS, BROWSERS, HOOKS, STAND_IN), "web"),
    MAIL: "smtp",
}
"""Which of the two services answers for a name."""
_HERE = {None, "", "localhost", HOST, "::1", "0.0.0.0"}  # noqa: S104 - compared with, not listened on


def environ_of(folder: Path) -> dict[str, str]:
    """The environment of the process that is tried: it trusts the self-test's authority alone, and uses no proxy."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    authority = str(folder / "authority.pem")
    # Threads of a numeric library would not survive the fork.
    return {
        **kept,
        "SSL_CERT_FILE": authority,
        "REQUESTS_CA_BUNDLE": authority,
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }


def lead(ports: Mapping[str, int]) -> None:
    """From now on this process finds the services under their real names, and nobody beyond this machine.

    The libraries stay as they are: what is replaced is what a line in /etc/hosts would change, without its needing
    root and without its holding for anybody else.
    """
    real = socket.getaddrinfo

    def found(host: Any, port: Any, *rest: Any, **more: Any) -> Any:  # noqa: ANN401 - the library's shape
        name = host.decode() if isinstance(host, bytes) else host
        if name in SERVICES:
            return real(HOST, ports[SERVICES[name]], *rest, **more)
        if name in _HERE:
            return real(host, port, *rest, **more)
        raise socket.gaierror(socket.EAI_NONAME, f"{name} lies outside of the self-test")

    setattr(socket, "getaddrinfo", found)  # noqa: B010 - a function may not be assigned to
