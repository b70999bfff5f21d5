"""The settings as the web may know them: every one but the secrets that are not its own."""

from hybridd.config.secrets import Vault, resolve, secret_places
from hybridd.config.sources import Written, value_at
from hybridd.config.toml_text import toml_text

ITS_OWN = ("dashboard", "database")
KEPT = {"credential": "kept_from_the_web"}
"""In place of a secret. That there is one may be known: the rules of the settings ask for it."""
HEAD = "# Written by hybridd for its web, at each start and reload. What is changed here is lost.\n"


def web_copy(written: Written, vault: Vault) -> str:
    """The text of a settings file, out of settings as they were written, with references to secrets as they stand.

    A credential of the web's own stays a reference: its unit is handed that secret, and the watch is not.
    """
    values = resolve(written, vault, needed=False)[0].values
    for path, table in secret_places(values):
        name = str(path[-1])
        before = value_at(written.values, path)
        if path[0] not in ITS_OWN:
            table[name] = KEPT
        elif isinstance(before, dict) and "credential" in before:
            table[name] = before
    return HEAD + "".join(f"{name} = {toml_text(value)}\n" for name, value in values.items())
