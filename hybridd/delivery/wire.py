"""The connections of libraries that speak by requests: no second tries or redirects, none kept, each step noted."""

import os
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool

from hybridd.delivery.attempt import current_call
from hybridd.http_client import Response


def wire(session: requests.Session, *prefixes: str) -> None:
    """Make `session` try once, and tell the attempt that it works for how far it came.

    `prefixes`: addresses for which the library has mounted something of its own, beside "https://".
    """
    for prefix in ("https://", *prefixes):
        session.mount(prefix, _Adapter(max_retries=0))
    session.hooks["response"].append(_keep)
    # Beside REQUESTS_CA_BUNDLE, which requests obeys by itself: the name that the rest of the house goes by.
    session.verify = os.environ.get("SSL_CERT_FILE") or True
    session.max_redirects = 0  # nobody follows a stranger with a message in hand
    # Alerts are minutes apart. A connection that a router has forgotten meanwhile takes the request and never
    # answers: each message would begin with an outcome that nobody knows.
    session.headers["Connection"] = "close"


class _Connection(HTTPSConnection):
    """Says when the first byte of a request is about to be written: after name look-up, connection and TLS."""

    def request(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - handed through
        call = current_call()
        if call is not None:
            call.begin()
        super().request(*args, **kwargs)


class _Pool(HTTPSConnectionPool):
    ConnectionCls = _Connection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - handed through
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {**self.poolmanager.pool_classes_by_scheme, "https": _Pool}

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:  # noqa: ANN401 - urllib3's manager
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = {**manager.pool_classes_by_scheme, "https": _Pool}
        return manager


def _keep(response: requests.Response, *_: object, **__: object) -> None:
    call = current_call()
    if call is not None:
        headers = {name.lower(): value for name, value in response.headers.items()}
        call.answer = Response(status=response.status_code, headers=headers, body=response.content)
