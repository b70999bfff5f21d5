"""Values as TOML text, on one line."""

import json
from collections.abc import Mapping


def toml_text(value: object) -> str:
    """A value of JSON's kinds as TOML writes it: "text", 5, 0.5, true, [..], {name = ..}."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_name(str(name))} = {toml_text(inner)}" for name, inner in value.items())
        return f"{{{pairs}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml_text(inner) for inner in value)}]"
    return str(value)


def _name(text: str) -> str:
    bare = text.isascii() and text.replace("-", "").replace("_", "").isalnum()
    return text if bare else toml_text(text)


def shortened(value: object, limit: int = 60) -> str:
    """A value for a message: as TOML, cut where it is long."""
    text = toml_text(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
