"""What holds for every test: nobody outside of this machine is reached. And the providers' house, for who wants it."""

import os
import socket
from collections.abc import Iterator

import pytest
import trustme

from tests.fakes.providers import HOSTS, House


@pytest.fixture(scope="session")
def providers_ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def providers_pem(providers_ca, tmp_path_factory):
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    providers_ca.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture(autouse=True)
def nobody_outside_is_reached(monkeypatch):
    """Names beyond this machine cannot be looked up; a test that wants the providers takes `house`."""
    monkeypatch.setattr(socket, "getaddrinfo", _closed.getaddrinfo)


@pytest.fixture
def house(providers_ca, providers_pem, monkeypatch, nobody_outside_is_reached) -> Iterator[House]:
    """The providers, open, and trusted as the machine's own authorities are."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(providers_pem))
    with House(providers_ca, providers_pem, HOSTS) as opened:
        monkeypatch.setattr(socket, "getaddrinfo", opened.getaddrinfo)
        yield opened


_closed = House(None, None, ())
