"""A strategy by its name: `package.module:Class` or `path/to/file.py:Class`."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from qmtl.client.nearest import not_there
from qmtl.sdk.authors import authors_code
from qmtl.sdk.errors import StrategyError
from qmtl.sdk.origin import is_authors
from qmtl.sdk.strategy import Strategy

MOST_NAMES = 8


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
    if wanted in found:
        return found[wanted]
    if wanted and own:
        raise StrategyError(f"{place}: {not_there('strategy', wanted, found)}")
    if len(own) == 1:
        return next(iter(own.values()))
    if not own:
        raise StrategyError(f"{place} has no strategy: derive a class from qmtl.sdk.Strategy in it")
    names = ", ".join(f"{place}:{name}" for name in sorted(own)[:MOST_NAMES])
    raise StrategyError(f"{place} has several strategies; say which: {names}")


def load_module(place: str) -> ModuleType:
    path = Path(place)
    if path.suffix == ".py":
        return load_file(path)
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    if not all(part.isidentifier() for part in place.split(".")):
        raise StrategyError(f"{place!r} is neither a module nor the path of a file that ends with .py")
    with authors_code(f"importing {place}"):
        try:
            return importlib.import_module(place)
        except ModuleNotFoundError as error:
            if not f"{place}.".startswith(f"{error.name}."):
                raise
    hint = f"; there is {place}.py here: is it meant?" if path.with_suffix(".py").exists() else ""
    raise StrategyError(
        f"no module {place!r}: name it as Python imports it from here, or give the path of its file{hint}"
    )


def load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise StrategyError(f"there is no file {path}")
    name = path.stem
    if name in sys.stdlib_module_names or (name in sys.modules and not is_authors(sys.modules[name])):
        name = f"{name} of {path.parent.name}"  # it takes no library's place
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    folder = str(path.parent.resolve())
    sys.path.insert(0, folder)
    try:
        with authors_code(f"importing {path}"):
            spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    finally:
        if folder in sys.path:
            sys.path.remove(folder)
    return module
