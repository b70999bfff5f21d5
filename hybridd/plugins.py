"""Finds what others add to hybridd: layers from installed packages and from a folder of Python files."""

import importlib.util
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from hybridd.errors import ConfigError

LAYERS = "hybridd.layers"
"""The group of entry points by which an installed package offers layers."""

_WANTED = ("name", "inputs", "lookback", "evaluate", "explain")


def found_layers(folder: Path | None) -> list[object]:
    """Layers of installed packages, then those of the files in `folder`, each kind in the order of names.

    An entry point names a layer, or a class or function that makes one without arguments. A file holds one under the
    name LAYER, made in the same way. Raises ConfigError, which names the culprit, for one that cannot be had.
    """
    points = sorted(entry_points(group=LAYERS), key=lambda point: point.name)
    offered = [(f"entry point {point.name}", _of_point(point)) for point in points]
    offered += [(str(path), _of_file(path)) for path in _files(folder)]
    return [_checked(place, layer) for place, layer in offered]


def _files(folder: Path | None) -> Iterator[Path]:
    if folder is None:
        return
    try:
        yield from sorted(p for p in folder.iterdir() if p.suffix == ".py" and not p.name.startswith("_"))
    except OSError as error:
        raise ConfigError(
            f"analysis.plugins_dir: cannot read {folder}: {error.strerror}",
            remedy="name a folder of Python files, or none",
        ) from None


def _of_point(point: EntryPoint) -> object:
    try:
        return _made(point.load())
    except Exception as error:  # somebody else's code may fail in every way; it is named and goes on as our error
        raise _broken(f"entry point {point.name} ({point.value})", error) from error


def _of_file(path: Path) -> object:
    name = f"hybridd_plugin_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path} is not a Python file", remedy="remove it from analysis.plugins_dir")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickles look their module up by name
    try:
        spec.loader.exec_module(module)
        return _made(_named(path, module))
    except ConfigError:
        raise
    except Exception as error:  # as above
        raise _broken(str(path), error) from error


def _named(path: Path, module: ModuleType) -> object:
    if not hasattr(module, "LAYER"):
        raise ConfigError(
            f"{path} holds no LAYER", remedy="name the layer in it LAYER, or begin the file's name with _"
        )
    return module.LAYER


def _made(offer: object) -> object:
    return offer() if isinstance(offer, type) or (callable(offer) and not hasattr(offer, "evaluate")) else offer


def _checked(place: str, layer: object) -> object:
    missing = [name for name in _WANTED if not hasattr(layer, name)]
    if missing:
        raise ConfigError(f"{place} is not a layer: it has no {', '.join(missing)}", remedy="see docs/plugins.md")
    return layer


def _broken(place: str, error: Exception) -> ConfigError:
    return ConfigError(f"{place} cannot be loaded: {type(error).__name__}: {error}", remedy="mend it, or remove it")
