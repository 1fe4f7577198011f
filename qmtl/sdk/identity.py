"""Who a run is: the hash of its code, and the id that code, data and parameters give it."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from qmtl.sdk.origin import is_authors, normalised
from qmtl.sdk.strategy import Strategy
from qmtl.sdk.typed import Typed, is_library


def code_hash(strategy: Strategy) -> str:
    """sha256 over the author's code: the modules of the class and of what it uses, without comments and layout.

    Neither names of files count, nor what a module does as a program (`if __name__ == "__main__"`). Libraries are not
    the author's. Code that has no file (typed into a notebook or a prompt) counts by itself, with what it uses of what
    was typed.
    """
    digest = hashlib.sha256()
    for text in sorted(sources(type(strategy)).values()):
        digest.update(f"{text}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def sources(kind: type) -> dict[str, str]:
    found: dict[str, str] = {}
    modules: list[ModuleType] = []
    for each in kind.__mro__:
        module = sys.modules.get(each.__module__)
        if module is not None and is_authors(module):
            modules.append(module)
        elif each not in (object, Strategy) and not is_library(module):
            typed = Typed()
            typed.class_("", each)
            found[each.__qualname__] = "\n".join(typed.lines)
            modules += typed.modules
    return found | modules_from(modules)


def modules_from(modules: list[ModuleType]) -> dict[str, str]:
    """The text of these modules and of all of the author's that they use."""
    found: dict[str, str] = {}
    while modules:
        module = modules.pop()
        if module.__name__ in found:
            continue
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


def run_id(*, code: str, fingerprint: str, params: Mapping[str, Any], attempt: int = 1) -> str:
    """The same for the same code, data and parameters; another `attempt` where the former came to nothing."""
    text = json.dumps([code, fingerprint, dict(params)], sort_keys=True, default=repr)
    name = hashlib.sha256(text.encode()).hexdigest()[:20]
    return f"bt-{name}" if attempt == 1 else f"bt-{name}-{attempt}"
