"""Runs a child that draws: a scene as JSON on its standard input, a time limit, and one line when it fails."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping

from hybridd.errors import DataError

# What Python needs to find itself; a child that draws has no business with secrets or with the notify socket.
_HANDED_ON = ("PATH", "PYTHONPATH", "LANG", "HOME", "MPLCONFIGDIR", "TMPDIR")


def run(module: str, *arguments: str, scene: Mapping[str, object], timeout: float) -> bytes:
    """What the child `module` writes to its standard output; raises DataError in one line, after `timeout` s too."""
    isolated = ["-I"] if sys.flags.isolated else []
    command = [sys.executable, *isolated, "-m", module, *arguments]
    environ = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
    try:
        child = subprocess.run(
            command, input=json.dumps(scene).encode(), capture_output=True, timeout=timeout, env=environ, check=False
        )
    except subprocess.TimeoutExpired:
        raise DataError(f"it took over {timeout:g} s", remedy="draw fewer candles") from None
    except OSError as error:
        raise DataError(str(error), remedy="check that this user may start Python") from None
    if child.returncode:
        words = (child.stderr.decode(errors="replace").strip().splitlines() or ["no word"])[-1]
        raise DataError(words, remedy="check the folder, and that the drawing library is installed")
    return child.stdout
