"""Code that no file has: typed into a cell of a notebook or at a prompt. It counts with what it uses, and only that."""

from __future__ import annotations

import dis
import functools
import hashlib
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from qmtl.sdk.origin import is_authors, normalised

ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
NO_CODE = frozenset(
    {"__dict__", "__weakref__", "__module__", "__doc__", "__firstlineno__", "__static_attributes__"}
)
GLOBALS = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis))


class Typed:
    """What a class or function that was typed is made of, as lines that are the same in every process.

    Followed are functions, classes and data of the same kind, by the names under which the code refers to them.
    `modules`: those with a file of the author's, which count as a whole.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.modules: list[ModuleType] = []
        self.seen: set[int] = set()

    def add(self, name: str, value: Any) -> None:
        """Something that goes by a name, once."""
        if isinstance(value, ModuleType):
            self._belongs_to(value)
            self.lines.append(f"{name}: module {value.__name__}")
        elif isinstance(value, MethodType):
            self.add(f"{name}()", value.__func__)
            self.add(f"{name}.__self__", type(value.__self__))
        elif isinstance(value, FunctionType | type):
            self._defined(name, value)
        elif isinstance(value, staticmethod | classmethod):
            self.add(f"{name}: {type(value).__name__}", value.__func__)
        elif isinstance(value, property):
            for part in ("fget", "fset", "fdel"):
                self.add(f"{name}.{part}", getattr(value, part))
        elif isinstance(value, functools.partial):
            self.add(f"{name}: partial", value.func)
            self.lines.append(f"{name}: {data((value.args, value.keywords))}")
        elif hasattr(value, "__wrapped__"):  # what a decorator made of a function, like a cache
            self.add(f"{name}: {type(value).__name__}", value.__wrapped__)
        elif not is_library(sys.modules.get(type(value).__module__)):
            self._instance(name, value)
        else:
            self.lines.append(f"{name}: {described(value)}")

    def _instance(self, name: str, value: Any) -> None:
        """Of a class that was typed, too: the class, and what it holds."""
        if id(value) in self.seen:
            self.lines.append(f"{name}: again")
            return
        self.seen.add(id(value))
        self.add(f"{name}.__class__", type(value))
        for key, each in sorted(getattr(value, "__dict__", {}).items()):
            self.add(f"{name}.{key}", each)

    def _defined(self, name: str, value: FunctionType | type) -> None:
        own = value.__qualname__
        if id(value) in self.seen:
            self.lines.append(f"{name}: {own} again")
            return
        self.seen.add(id(value))
        module = sys.modules.get(value.__module__ or "")
        if is_library(module):
            self.lines.append(f"{name}: {value.__module__}.{own}")
            return
        self._belongs_to(module)
        if isinstance(value, type):
            self.class_(name, value)
        else:
            self.function(name, value)

    def _belongs_to(self, module: ModuleType | None) -> None:
        if module is not None and is_authors(module):
            self.modules.append(module)

    def class_(self, name: str, kind: type) -> None:
        """Its members, in the order of their names."""
        self.seen.add(id(kind))
        self.lines.append(f"{name}: class {kind.__name__}")
        for base in kind.__bases__:
            self.add(f"{name}.__bases__", base)
        for key, value in sorted(vars(kind).items()):
            if key in NO_CODE:
                continue
            if isinstance(value, FunctionType):
                self.seen.add(id(value))
                self.function(f"{name}.{key}", value)
            else:
                self.add(f"{name}.{key}", value)

    def function(self, name: str, function: FunctionType) -> None:
        """Its text, or its bytecode where there is none; then what it takes from around it."""
        code = function.__code__
        self.lines.append(f"{name}: {source_of(function) or bytecode(code)}")
        self.lines.append(f"{name}: {data((function.__defaults__, function.__kwdefaults__))}")
        for key, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            try:
                self.add(f"{name} of {key}", cell.cell_contents)
            except ValueError:
                self.lines.append(f"{name} of {key}: nothing yet")
        for key in sorted(set(names_in(code)) & function.__globals__.keys()):
            self.add(f"{name} uses {key}", function.__globals__[key])
        if (wrapped := getattr(function, "__wrapped__", None)) is not None:
            self.add(f"{name} wraps", wrapped)


def is_library(module: ModuleType | None) -> bool:
    """Whether somebody else wrote it. What was typed has no module that could be imported again."""
    if module is None or module.__name__ == "__main__" or is_authors(module):
        return False
    return getattr(module, "__spec__", None) is not None


def source_of(function: FunctionType) -> str:
    """Its text without comments and layout, "" where there is none; a lambda's is not its own."""
    if function.__name__ == "<lambda>":
        return ""
    try:
        return normalised(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return ""


def bytecode(code: CodeType) -> str:
    consts = [bytecode(each) if isinstance(each, CodeType) else data(each) for each in code.co_consts]
    return repr((code.co_code.hex(), code.co_exceptiontable.hex(), code.co_names, consts))


def names_in(code: CodeType) -> Iterator[str]:
    """Global names that the code and what is defined in it look up."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in GLOBALS:
            yield str(instruction.argval)
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from names_in(each)


def described(value: Any) -> str:
    try:
        return data(value)
    except RecursionError:  # a list that holds itself
        return type(value).__qualname__


def data(value: Any) -> str:
    """A value in words that do not depend on where in memory it is, nor on the order of a set."""
    if isinstance(value, PLAIN):
        return repr(value)
    if isinstance(value, CodeType):
        return bytecode(value)
    if isinstance(value, np.ndarray) and value.dtype == object:
        return f"array {value.shape} {data(value.ravel().tolist())}"
    if isinstance(value, np.ndarray):
        digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return f"array {value.dtype} {value.shape} {digest}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__}({', '.join(map(data, value))})"
    if isinstance(value, set | frozenset):
        return f"{type(value).__name__}({', '.join(sorted(map(data, value)))})"
    if isinstance(value, dict):
        return f"dict({', '.join(f'{data(key)}: {data(each)}' for key, each in value.items())})"
    if hasattr(value, "to_numpy"):  # a table, whose words leave out most of it
        return f"{type(value).__qualname__} {data(np.asarray(value))}"
    try:
        said = ADDRESS.sub("0x...", repr(value))
    except Exception:
        said = ""
    return f"{type(value).__module__}.{type(value).__qualname__} {said}"
