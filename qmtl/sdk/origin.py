"""Whose code it is: the author's own, a library's, or this package's."""

from __future__ import annotations

import ast
import os
import sysconfig
from pathlib import Path
from types import ModuleType

LIBRARIES = tuple(
    str(Path(sysconfig.get_path(name)).resolve()) for name in ("stdlib", "platstdlib", "purelib", "platlib")
)
OWN = str(Path(__file__).resolve().parents[1]) + os.sep


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


def normalised(source: str) -> str:
    """A program without its comments, its layout, and what it does as a program."""
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
