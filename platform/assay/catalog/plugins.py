"""Which methods and detectors exist, and with which parameters, read from the file system and the source text.

Importing them would load numpy, and `platform validate` must feel instant. The convention makes it possible: one
method per file, named like the file, whose keyword-only arguments are its parameters.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).resolve().parents[1]


def names(*rooms: str) -> frozenset[str]:
    """The plug-ins in a folder of the package, such as names("detect", "detectors")."""
    return frozenset(file.stem for file in _PACKAGE.joinpath(*rooms).glob("*.py") if not file.stem.startswith("_"))


@lru_cache(maxsize=64)
def _arguments(*path: str) -> dict[str, tuple[str, Any]]:
    """Keyword-only parameter: its annotation as text and its default, of the function named like the plug-in's file."""
    module = _parsed(*path)
    found = [node for node in module.body if isinstance(node, ast.FunctionDef)]
    (function,) = [node for node in found if node.name == path[-1]]
    written = {each.arg: ast.unparse(each.annotation) if each.annotation else "" for each in function.args.kwonlyargs}
    choices = _choices(module, frozenset(written.values()))
    return {
        name: (choices.get(annotation, annotation), default and ast.literal_eval(default))
        for (name, annotation), default in zip(written.items(), function.args.kw_defaults, strict=True)
    }


def _parsed(*path: str) -> ast.Module:
    return ast.parse(_PACKAGE.joinpath(*path).with_suffix(".py").read_text("utf-8"))


def _choices(module: ast.Module, names: frozenset[str]) -> dict[str, str]:
    """What those `names` for a `Literal[...]` stand for, here or in the modules of ours that they come from."""
    found: dict[str, str] = {}
    for node in module.body:
        if isinstance(node, ast.ImportFrom) and names & {each.name for each in node.names}:
            found |= _choices(_parsed(*(node.module or "").split(".")[1:]), names)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = ast.unparse(node.value)
    return {name: text for name, text in found.items() if name in names and text.startswith("Literal[")}


def parameters(*path: str) -> dict[str, str]:
    """The parameters of a plug-in, with their annotations as text; of choices their `Literal[...]`."""
    return {name: annotation for name, (annotation, _) in _arguments(*path).items()}


def defaults(*path: str) -> dict[str, Any]:
    """The parameters of a plug-in, with their defaults; None for one that has none."""
    return {name: default for name, (_, default) in _arguments(*path).items()}
