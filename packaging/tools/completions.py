"""Writes the completions of bash, zsh and fish, as the command line itself makes them: completions.py DESTINATION."""

import sys
from pathlib import Path

from typer.completion import get_completion_script

PLACES = {
    "bash": "usr/share/bash-completion/completions/hybridd",
    "zsh": "usr/share/zsh/vendor-completions/_hybridd",
    "fish": "usr/share/fish/vendor_completions.d/hybridd.fish",
}


def main() -> None:
    """One file a shell."""
    for shell, place in PLACES.items():
        target = Path(sys.argv[1], place)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(
            get_completion_script(prog_name="hybridd", complete_var="_HYBRIDD_COMPLETE", shell=shell) + "\n"
        )


if __name__ == "__main__":
    main()
