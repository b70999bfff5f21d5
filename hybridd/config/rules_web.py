"""What must hold of the page: passwords are kept as hashes that can be checked, and travel only through TLS."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from hybridd.config.problems import Kind, Level
from hybridd.config.rules import Finding, Rule
from hybridd.config.schema import Settings

_HASH = re.compile(r"\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$[A-Za-z0-9+/]{8,}\$[A-Za-z0-9+/]{16,}")
MOST_KIB = 65_536
"""The web may take 160 MB in all."""
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


def _password(name: str) -> Rule:
    def findings(settings: Settings) -> Iterator[Finding]:
        hashed = getattr(settings.dashboard, name).get_secret_value()
        match = _HASH.fullmatch(hashed)
        if hashed and (match is None or int(match[1]) > MOST_KIB):
            message = (
                "is no argon2id hash" if match is None else f"needs more than {MOST_KIB // 1024} MiB to be checked"
            )
            remedy = "make one with `hybridd config password`: the password itself is written nowhere"
            yield Finding(path=("dashboard", name), kind=Kind.BAD_VALUE, message=message, remedy=remedy)

    return _rule(findings, f"dashboard.{name}")


def _travels(settings: Settings) -> Iterator[Finding]:
    page = settings.dashboard
    where = urlsplit(page.public_url)
    if (page.password_hash or page.viewer_password_hash) and where.scheme == "http" and where.hostname not in _LOCAL:
        message, remedy = "the password travels unencrypted", "put a proxy with TLS before it and write https://…"
        path = ("dashboard", "public_url")
        yield Finding(path=path, kind=Kind.EXPOSED, message=message, remedy=remedy, level=Level.WARNING)


def _rule(findings: Callable[[Settings], Iterator[Finding]], *reads: str) -> Rule:
    return Rule(reads=frozenset(reads), findings=findings)


WEB_RULES = (
    _password("password_hash"),
    _password("viewer_password_hash"),
    _rule(_travels, "dashboard.public_url", "dashboard.password_hash", "dashboard.viewer_password_hash"),
)
