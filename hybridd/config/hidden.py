"""Values that nobody is to see: passwords, tokens, URLs that open something."""

import re
from typing import Annotated

from pydantic import AfterValidator, Secret, WithJsonSchema

from hybridd.config.values import Form, refusal, web

_PASSWORDS = (re.compile(r"^(\w+://[^:@/]*:)(.+)(?=@)"), re.compile(r"(?i)([?&]password=)([^&]+)"))
REFERENCES = ("env", "file", "credential")


class SecretText(Secret[str]):
    """Text that nobody is to see: `get_secret_value()` has it, everything that prints shows "•••"."""

    def _display(self) -> str:
        return "•••" if self._secret_value else ""

    def __bool__(self) -> bool:
        return bool(self._secret_value)

    @property
    def secret_words(self) -> tuple[str, ...]:
        """The parts that must never be printed."""
        return (self._secret_value,) if self._secret_value else ()


class SecretUrl(SecretText):
    """A URL whose holder may do something: only its scheme is shown."""

    def _display(self) -> str:
        scheme, sign, _ = self._secret_value.partition("://")
        return f"{scheme}://•••" if sign else super()._display()


class DatabaseUrl(SecretText):
    """Where the state lives; only the password in it is hidden."""

    def _display(self) -> str:
        text = self._secret_value
        for password in _PASSWORDS:
            text = password.sub(r"\1•••", text)
        return text

    @property
    def secret_words(self) -> tuple[str, ...]:
        """The password, in the login or among the parameters, as it is written in the URL."""
        found = (password.search(self._secret_value) for password in _PASSWORDS)
        return tuple(match[2] for match in found if match)


def _web_secret(value: SecretUrl) -> SecretUrl:
    web(value.get_secret_value())
    return value


def _any_url(value: SecretUrl) -> SecretUrl:
    if not re.match(r"[A-Za-z][\w+.-]*://\S", value.get_secret_value()):
        raise refusal("must be a URL", "it begins with a scheme: https://… or ntfy://…")
    return value


def _database(value: DatabaseUrl) -> DatabaseUrl:
    if not re.match(r"sqlite:///.|postgres(ql)?://.", value.get_secret_value()):
        raise refusal("must be the URL of a database", "write sqlite:////var/lib/hybridd/state.db (four slashes)")
    return value


_BY_NAME = {"type": "object", "additionalProperties": False, "minProperties": 1, "maxProperties": 1}
_SECRET_SCHEMA = WithJsonSchema(
    {
        "anyOf": [{"type": "string"}, {**_BY_NAME, "properties": {k: {"type": "string"} for k in REFERENCES}}],
        "writeOnly": True,
    }
)

Hidden = Annotated[SecretText, Form("secret"), _SECRET_SCHEMA]
HiddenWebUrl = Annotated[SecretUrl, Form("secret http(s) URL"), AfterValidator(_web_secret), _SECRET_SCHEMA]
HiddenUrl = Annotated[SecretUrl, Form("secret URL"), AfterValidator(_any_url), _SECRET_SCHEMA]
StateUrl = Annotated[DatabaseUrl, Form("database URL"), AfterValidator(_database), _SECRET_SCHEMA]
