"""Writes again what is made from the code: the sample settings and the reference pages. Tests keep them so."""

from pathlib import Path

from hybridd.config.reference import reference
from hybridd.config.sample import example
from tests.command_tree import commands_page

ROOT = Path(__file__).resolve().parent.parent

GENERATED = {
    "etc/hybridd.toml": example,
    "docs/commands.md": commands_page,
    "docs/configuration.md": reference,
}


def main() -> None:
    """Write every generated file."""
    for name, make in GENERATED.items():
        (ROOT / name).write_text(make(), "utf-8")


if __name__ == "__main__":
    main()
