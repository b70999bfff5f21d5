"""Draws docs/pictures/*.png: what each layer said of a recorded market. Needs the recorded candles.

python -m tests.layer_pictures
"""

from pathlib import Path

import numpy as np

from hybridd.analysis.registry import LAYERS
from hybridd.pictures.draw import Scene, draw
from hybridd.pipeline.calibration_file import load_shipped
from tests.recorded_context import informed_market

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures"
SHOWN = 288
WHICH = slice(60_000, 60_000 + SHOWN)


def main() -> None:
    """Draw one picture a layer, of the same day and market, so that they can be compared."""
    FOLDER.mkdir(exist_ok=True)
    market, calibration = informed_market("ETH/USDT"), load_shipped()
    for name, make in LAYERS.items():
        values = make(calibration).evaluate(market).values
        where = spoken(values) if np.isnan(values[WHICH]).all() else WHICH
        scene = Scene(title=f"{name}, ETH/USDT 5m", candles=market.candles[where], score=values[where])
        draw(scene, FOLDER / f"{name}.png")


def spoken(values: np.ndarray) -> slice:
    """A day around the middle value of a layer that is silent on the day of the others."""
    answered = np.flatnonzero(~np.isnan(values))
    middle = int(answered[len(answered) // 2])
    return slice(middle - SHOWN // 2, middle + SHOWN // 2)


if __name__ == "__main__":
    main()
