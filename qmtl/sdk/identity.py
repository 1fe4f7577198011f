"""Who a run is: the hash of its code, and the id that code, data and parameters give it."""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import os
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from qmtl.sdk.strategy import Strategy

LIBRARIES = tuple(
    str(Path(sysconfig.get_path(name)).resolve()) for name in ("stdlib", "platstdlib", "purelib", "platlib")
)
OWN = str(Path(__file__).resolve().parents[1]) + os.sep


def code_hash(strategy: Strategy) -> str:
    """sha256 over the author's code: the modules of the class and of what it uses, without comments and layout.

    Neither names of files count, nor what a module does as a program (`if __name__ == "__main__"`). Libraries are not
    the author's. Code that has no source (typed into a prompt) counts by its bytecode.
    """
    digest = hashlib.sha256()
    for text in sorted(sources(type(strategy)).values()):
        digest.update(f"{text}\n".encode())
    return digest.hexdigest()


def sources(kind: type) -> dict[str, str]:
    found: dict[str, str] = {}
    modules: list[ModuleType] = []
    for each in kind.__mro__:
        module = sys.modules.get(each.__module__)
        if module is not None and is_authors(module):
            modules.append(module)
        elif each not in (object, Strategy):
            found[each.__qualname__] = own_text(each)
    seen: set[str] = set()
    while modules:
        module = modules.pop()
        if module.__name__ in seen:
            continue
        seen.add(module.__name__)
        file = module.__file__
        assert file is not None
        found[module.__name__] = normalised(Path(file).read_text(encoding="utf-8"))
        for value in vars(module).values():
            name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
            other = sys.modules.get(name) if isinstance(name, str) else None
            if is_authors(other):
                assert other is not None
                modules.append(other)
    return found


def is_authors(module: ModuleType | None) -> bool:
    """Whether its code is the author's own: a file that belongs to no library and not to this package."""
    file = getattr(module, "__file__", None)
    if not file or not str(file).endswith(".py"):
        return False
    path = str(Path(file).resolve())
    if path.startswith(OWN) or "site-packages" in path or "dist-packages" in path:
        return False
    return (
        not any(path.startswith(each) and "site-packages" not in each for each in LIBRARIES)
        and Path(path).exists()
    )


def own_text(kind: type) -> str:
    try:
        return normalised(inspect.cleandoc(inspect.getsource(kind)))
    except (OSError, TypeError, SyntaxError):
        return repr([(name, bytecode(value)) for name, value in sorted(vars(kind).items()) if is_code(name)])


def is_code(name: str) -> bool:
    return name not in {"__dict__", "__weakref__", "__module__", "__doc__", "__firstlineno__"}


def bytecode(value: Any) -> Any:
    code = getattr(value, "__code__", None)
    if code is None:
        return repr(value)
    nested = [bytecode_of(each) if hasattr(each, "co_code") else repr(each) for each in code.co_consts]
    return code.co_code.hex(), code.co_names, nested


def bytecode_of(code: Any) -> Any:
    nested = [bytecode_of(each) if hasattr(each, "co_code") else repr(each) for each in code.co_consts]
    return code.co_code.hex(), code.co_names, nested


def normalised(source: str) -> str:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return source
    tree.body = [each for each in tree.body if not is_main_guard(each)]
    return ast.dump(tree)


def is_main_guard(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and ast.unparse(statement.test).replace("'", '"') in {
        '__name__ == "__main__"',
        '"__main__" == __name__',
    }


def run_id(*, code: str, fingerprint: str, params: Mapping[str, Any], attempt: int = 1) -> str:
    """The same for the same code, data and parameters; another `attempt` where the service let the former expire."""
    text = json.dumps([code, fingerprint, dict(params)], sort_keys=True, default=repr)
    name = hashlib.sha256(text.encode()).hexdigest()[:20]
    return f"bt-{name}" if attempt == 1 else f"bt-{name}-{attempt}"
