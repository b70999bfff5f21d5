"""Brains that the person brings: a Python function, or a command that prints its answer as JSON."""

import importlib
import json
import shutil
from collections.abc import Callable, Sequence

from hybridd.brains.answer import ExternalAnswer, answer_from
from hybridd.brains.child import run_child
from hybridd.errors import BrainError, ConfigError
from hybridd.model.candle import COLUMNS, Candles

__all__ = ["CommandBrain", "ExternalAnswer", "ModuleBrain"]

TIMEOUT = 30.0


class ModuleBrain:
    """A function `module:function`, called with symbol, timeframe and candles (a Candles), that returns the answer.

    It runs in this process and must end by itself. Raises ConfigError where there is no such function.
    """

    def __init__(self, path: str) -> None:
        self.name = path
        self._function = _function(path)

    def ask(self, symbol: str, timeframe: str, candles: Candles) -> ExternalAnswer:
        """Its answer for the last of `candles`; raises BrainError."""
        try:
            answer = self._function(symbol=symbol, timeframe=timeframe, candles=candles)
        except (Exception, SystemExit) as error:  # somebody else's function may raise anything, or call exit()
            raise BrainError(
                f"the brain {self.name} failed on {symbol}: {_one_line(error)}", remedy="mend the function"
            ) from error
        return answer_from(answer, self.name)


class CommandBrain:
    """A command that reads one JSON object on its standard input and prints one on its standard output.

    Input: {"symbol", "timeframe", "candles": [[open time ms, open, high, low, close, volume], …]}, oldest first.
    The whole process group is killed after `timeout` seconds. Raises ConfigError where there is no such command.
    """

    def __init__(self, command: Sequence[str], timeout: float = TIMEOUT) -> None:
        if not command or not all(isinstance(word, str) and word for word in command):
            raise ConfigError("[analysis] command is empty", remedy='write it as ["python3", "ai_brain.py"]')
        if not 0 < timeout < float("inf"):
            raise ConfigError(f"[analysis] command: a time limit of {timeout} seconds", remedy="give seconds above 0")
        program = shutil.which(command[0])
        if program is None:
            raise ConfigError(
                f'[analysis] command: there is no program "{command[0]}"', remedy="give its path, or install it"
            )
        self.name = " ".join(command)
        self._command = [program, *command[1:]]
        self._timeout = timeout

    def ask(self, symbol: str, timeframe: str, candles: Candles) -> ExternalAnswer:
        """Its answer for the last of `candles`; raises BrainError for an exit code, the time limit, or garbage."""
        question = json.dumps({"symbol": symbol, "timeframe": timeframe, "candles": _rows(candles)}).encode()
        printed = run_child(self._command, question, self._timeout, self.name)
        try:
            answer = json.loads(printed)
        except ValueError as error:
            raise BrainError(
                f"the brain {self.name} printed something that is not JSON: {printed[:60]!r}",
                remedy="print one JSON object and nothing else; notes go to standard error",
            ) from error
        except RecursionError as error:
            raise BrainError(f"the brain {self.name} printed JSON that is nested too deeply") from error
        return answer_from(answer, self.name)


def _rows(candles: Candles) -> list[list[float]]:
    columns = [getattr(candles, name).tolist() for name in COLUMNS]
    return [list(row) for row in zip(candles.open_time.tolist(), *columns, strict=True)]


def _function(path: str) -> Callable[..., object]:
    module_name, _, name = path.partition(":")
    if not module_name or not name:
        raise ConfigError(
            f'[analysis] brain: "{path}" is not of the form module:function', remedy="write module:function"
        )
    try:
        found: object = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # to import somebody else's module is to run it
        raise ConfigError(
            f'[analysis] brain: the module "{module_name}" cannot be imported: {_one_line(error)}',
            remedy="install it in hybridd's environment, or correct the name",
        ) from error
    for part in name.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise ConfigError(
            f'[analysis] brain: the module "{module_name}" has no function "{name}"', remedy="correct the name"
        )
    return found


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__
