"""The calibration that ships with the program, and one from a file."""

import json
from importlib.resources import files
from pathlib import Path

from hybridd.analysis.calibration import Calibration, calibration_from_json
from hybridd.errors import DataError


def load_shipped() -> Calibration:
    """The constants learned from recorded Binance candles, as installed."""
    text = (files("hybridd.pipeline") / "calibration.json").read_text("utf-8")
    return calibration_from_text(text, "the shipped file")


def load_calibration(path: Path) -> Calibration:
    """The constants in a file that `hybridd calibrate` wrote; raises DataError."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"cannot read the calibration {path}: {error}", remedy="check the path and its rights"
        ) from error
    return calibration_from_text(text, str(path))


def calibration_in_force(path: str) -> Calibration:
    """What `[analysis] calibration` names, the shipped one where it is empty; raises DataError."""
    return load_calibration(Path(path)) if path else load_shipped()


def calibration_from_text(text: str, source: str) -> Calibration:
    """The Calibration in JSON text; raises DataError that names the source."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"the calibration in {source} is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise DataError(f"the calibration in {source} is not a JSON object")
    return calibration_from_json(data)
