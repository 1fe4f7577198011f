"""A strategy by its name: `package.module:Class` or `path/to/file.py:Class`."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from qmtl.client.nearest import not_there
from qmtl.sdk.errors import StrategyError
from qmtl.sdk.strategy import Strategy


def load_strategy(name: str) -> type[Strategy]:
    """The class. Without `:Class` the module's only strategy. StrategyError says what was not found."""
    place, _, wanted = name.partition(":")
    module = load_module(place)
    found = {
        each.__name__: each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Strategy) and each is not Strategy
    }
    own = {key: each for key, each in found.items() if each.__module__ == module.__name__} or found
    if wanted:
        if wanted in found:
            return found[wanted]
        raise StrategyError(f"{place}: {not_there('strategy', wanted, found)}")
    if len(own) == 1:
        return next(iter(own.values()))
    if not own:
        raise StrategyError(f"{place} has no strategy: derive a class from qmtl.sdk.Strategy in it")
    raise StrategyError(f"{place} has several strategies; say which: {place}:{sorted(own)[0]}")


def load_module(place: str) -> ModuleType:
    path = Path(place)
    if path.suffix == ".py":
        return load_file(path)
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(place)
    except ModuleNotFoundError as error:
        if error.name and place.startswith(error.name):
            hint = f"; there is {place}.py here: is it meant?" if path.with_suffix(".py").exists() else ""
            raise StrategyError(
                f"no module {place!r}: name it as Python imports it from here, or give the path of its file{hint}"
            ) from None
        raise StrategyError(f"{place} needs {error.name!r}, which is not installed") from None
    except (Exception, SystemExit) as error:  # an author's module may raise anything
        raise StrategyError(f"{place} cannot be imported: {type(error).__name__}: {error}") from error


def load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise StrategyError(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # an author's module may raise anything
        raise StrategyError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    finally:
        sys.path.pop(0)
    return module
