"""Opens one exchange of the ccxt library without paying for the hundred others."""

import importlib
import importlib.util
import os
import sys
import threading
import types
from collections.abc import Mapping
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hybridd.errors import DataError
from hybridd.model.instrument import nearest

_LOCK = threading.Lock()

# What ccxt keeps under `urls` beside the addresses that it calls.
_NOT_CALLED = frozenset({"logo", "www", "doc", "fees", "referral", "api_management"})
# In ccxt's words, the kinds of markets to list for each of ours.
_KINDS = {"spot": {"spot"}, "swap": {"swap", "linear", "inverse"}}


class _Deferred(types.ModuleType):
    """The package ccxt with its own file not yet run: that file imports every exchange (35 MB, 0.3 s more).

    Its submodules import as usual; the first use of any other name of the package runs the file after all, so that
    other code in this process can `import ccxt` and notice nothing.
    """

    def __setattr__(self, name: str, value: object) -> None:
        # The import system hangs each submodule on its package, but ccxt gives `ccxt.binance` to the class inside.
        if not (isinstance(value, types.ModuleType) and isinstance(vars(value).get(name), type)):
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a module's attributes can be anything
        if name.startswith("__"):
            raise AttributeError(name)
        with _LOCK:
            spec = self.__spec__
            if isinstance(self, _Deferred) and spec is not None and spec.loader is not None:
                self.__class__ = types.ModuleType  # type: ignore[assignment]
                spec.loader.exec_module(self)
        return getattr(self, name)


def check_exchange_id(exchange: str) -> None:
    """Raises DataError with the nearest id where ccxt has no such exchange; imports nothing."""
    folder = Path(str(_spec().origin)).parent
    if exchange.isidentifier() and not exchange.startswith("_") and (folder / f"{exchange}.py").is_file():
        return
    ids = sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))
    near = nearest(exchange.lower(), (name.upper() for name in ids)).lower()
    hint = f'did you mean "{near}"?' if near else "ccxt's documentation lists the ids of its exchanges"
    raise DataError(f'there is no exchange "{exchange}"', remedy=hint)


def check_base_url(base_url: str) -> None:
    """Raises DataError unless `base_url` is empty or an http(s) address."""
    parts = urlsplit(base_url)
    if base_url and (parts.scheme not in {"http", "https"} or not parts.hostname):
        raise DataError(f'base_url "{base_url}" is no address', remedy='write it like "https://mirror.example:8443"')


def open_exchange(*, exchange: str, market_type: str, base_url: str, timeout: float) -> Any:  # noqa: ANN401 - untyped
    """A ccxt exchange object (public data, no key) that has not talked to anybody yet; `timeout` in seconds."""
    module = _module(exchange)
    opened = getattr(module, exchange)({"enableRateLimit": True, "timeout": round(timeout * 1000)})
    # Each answer would otherwise be kept until the next one; nothing here reads it back.
    opened.enableLastHttpResponse = opened.enableLastResponseHeaders = False
    authority = os.environ.get("SSL_CERT_FILE")
    if authority:
        # ccxt passes `verify and validateServerSsl` on, so the path has to stand in the second.
        opened.verify = opened.validateServerSsl = authority
    if base_url:
        opened.urls = {key: v if key in _NOT_CALLED else _moved(v, base_url) for key, v in opened.urls.items()}
    _restrict(opened, market_type)
    return opened


def _module(exchange: str) -> types.ModuleType:
    with _LOCK:
        if "ccxt" not in sys.modules:
            stub = importlib.util.module_from_spec(_spec())
            stub.__class__ = _Deferred
            sys.modules["ccxt"] = stub
    return importlib.import_module(f"ccxt.{exchange}")


def _spec() -> ModuleSpec:
    spec = importlib.util.find_spec("ccxt")
    if spec is None or spec.origin is None:
        raise DataError("the exchange library ccxt is not installed", remedy="pip install ccxt")
    return spec


def _moved(value: object, base_url: str) -> object:
    """An address, or a nest of them, with `base_url` in place of scheme and host; other values as they are."""
    if isinstance(value, Mapping):
        return {key: _moved(inner, base_url) for key, inner in value.items()}
    if isinstance(value, list):
        return [_moved(inner, base_url) for inner in value]
    if not isinstance(value, str) or not value.startswith(("http://", "https://")):
        return value
    # By hand: ccxt's addresses hold templates such as {hostname}, at which a URL parser may stumble.
    path = value.split("://", 1)[1].partition("/")
    return base_url.rstrip("/") + path[1] + path[2]


def _restrict(opened: Any, market_type: str) -> None:  # noqa: ANN401 - an exchange object is untyped
    """Let it list only markets of one type where it can be told, and take that type as the one that is meant."""
    if "defaultType" in opened.options:
        opened.options["defaultType"] = market_type
    wanted = _KINDS.get(market_type, {market_type})
    listing = opened.options.get("fetchMarkets")
    kinds = listing.get("types") if isinstance(listing, dict) else listing
    if not isinstance(kinds, list) or not wanted.intersection(kinds):
        return
    chosen = [kind for kind in kinds if kind in wanted]
    opened.options["fetchMarkets"] = {**listing, "types": chosen} if isinstance(listing, dict) else chosen
