"""Paints drawings made of plain shapes as PNG, all of a report at once, in a child process."""

from collections.abc import Sequence

from hybridd.errors import DataError
from hybridd.pictures.alert_chart import can_draw
from hybridd.pictures.children import run

TIMEOUT_S = 30.0


def paint(scenes: Sequence[dict[str, object]], timeout: float = TIMEOUT_S) -> dict[str, bytes]:
    """PNGs by name; a scene has `name`, `width`, `height` and `shapes`. Raises DataError in one line."""
    if not can_draw():
        raise DataError("the library that draws is not installed", remedy="install Pillow")
    output = run("hybridd.pictures.drawings_child", scene={"scenes": list(scenes)}, timeout=timeout)
    found: dict[str, bytes] = {}
    at = 0
    for scene in scenes:
        size = int.from_bytes(output[at : at + 4], "big")
        found[str(scene["name"])] = output[at + 4 : at + 4 + size]
        at += 4 + size
    return found
