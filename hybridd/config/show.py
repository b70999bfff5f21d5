"""The settings in force as text: secrets masked, each value with the place that it came from."""

from hybridd.config.keys import Key, all_keys
from hybridd.config.schema import Settings
from hybridd.config.sources import Written, value_at
from hybridd.config.toml_text import toml_text


def plain(settings: Settings) -> dict[str, object]:
    """The settings as JSON's kinds, as they would be written; secrets masked."""
    return settings.model_dump(mode="json")


def show(settings: Settings, written: Written | None = None, beneath: Written | None = None) -> str:
    """The settings as TOML-like text; with `written`, each line says where its value is from.

    `beneath`: what the files and the environment say without what the web has changed: a line says what it stands for.
    """
    values = plain(settings)
    lines: list[str] = []
    table: tuple[str, ...] = ()
    for key in sorted(all_keys(), key=lambda key: len(key.path) > 1):  # after a [table] they would belong to it
        if key.path[:-1] != table:
            table = key.path[:-1]
            lines += ["", f"[{'.'.join(table)}]"] if table else [""]
        lines.append(_line(key, values, written, beneath))
    return "\n".join(lines).lstrip() + "\n"


def _line(key: Key, values: dict[str, object], written: Written | None, beneath: Written | None) -> str:
    name = key.path[-1] if len(key.path) > 1 else key.name
    text = f"{name} = {toml_text(value_at(values, key.path))}"
    return text if written is None else f"{text:<48}  # {_origin(key, written)}{_instead(key, written, beneath)}"


def _origin(key: Key, written: Written) -> str:
    absent = object()
    if value_at(written.values, key.path, absent) is absent:
        return "default"
    return str(written.origin(key.path) or "settings")


def _instead(key: Key, written: Written, beneath: Written | None) -> str:
    if beneath is None or _origin(key, written) == (origin := _origin(key, beneath)):
        return ""
    return f", in place of {toml_text(value_at(beneath.values, key.path, key.default))} ({origin})"
