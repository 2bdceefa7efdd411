"""References to environment variables: `${NAME}` in project.yaml and in routes, filled in only when they are needed."""

from __future__ import annotations

import re
from collections.abc import Mapping

from assay.errors import UsageError

REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def resolve(text: str, environ: Mapping[str, str]) -> str:
    """`text` with every reference replaced; UsageError E702 names a variable that is unset or empty, never a value."""
    return REFERENCE.sub(lambda found: _value(found[1], environ), text)


def _value(name: str, environ: Mapping[str, str]) -> str:
    if value := environ.get(name):
        return value
    raise UsageError.of(
        "E702",
        f"The environment variable {name} is not set.",
        why="A definition refers to it, so that its value need not stand in a file.",
        fix=f"Set it before the command: export {name}=…",
    )
