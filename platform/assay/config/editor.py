"""Help for editors: the JSON Schemas of a project, and the line that leads a YAML file to its own.

They lie in `.assay/` below the root, where no definitions are looked for: `schema.json` for definitions and
`project.json` for project.yaml. `platform init` and `platform new` write them anew when Assay has changed them; they
belong into git, so that everybody's editor finds them. `platform schema` prints the first one for other places.
The line is the one that yaml-language-server reads (https://github.com/redhat-developer/yaml-language-server).
"""

from __future__ import annotations

import json
from pathlib import Path

from assay.config.root import PROJECT
from assay.config.schema import json_schema, project_schema

FOLDER = ".assay"


def schema_line(path: str) -> str:
    """The first line of the YAML file at `path`, a posix path from the root."""
    up = "../" * path.count("/")
    name = "project.json" if path == PROJECT else "schema.json"
    return f"# yaml-language-server: $schema={up}{FOLDER}/{name}"


def write_schemas(root: Path) -> None:
    """Writes both schemas, where they are missing or older than this version of Assay."""
    for name, schema in (("schema.json", json_schema()), ("project.json", project_schema())):
        text, path = json.dumps(schema, indent=1, sort_keys=True) + "\n", root / FOLDER / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
