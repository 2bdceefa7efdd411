"""Every file of a project: YAML, parsed anew only where its content changed, and the SQL texts beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assay.config import cache
from assay.config.cache import Inputs
from assay.config.root import PROJECT, SQL, YAML, content
from assay.config.yaml import Document, parse
from assay.errors import Diagnostic, Location


@dataclass(frozen=True, slots=True)
class Files:
    """Documents and SQL texts by path, sorted, and the state of everything that they were read from."""

    inputs: Inputs
    documents: dict[str, Document]
    texts: dict[str, str]
    diagnostics: tuple[Diagnostic, ...] = ()


def read(root: Path, folders: Iterable[str], *, use_cache: bool = True) -> Files:
    """The documents below `folders`; project.yaml is not among them."""
    states, kept = cache.documents(root) if use_cache else ({}, {})
    seen = cache.look(root, folders, states)
    digests, documents = dict[str, bytes](), dict[str, Document]()
    for path, (digest, _) in seen.states.items():
        if path == PROJECT or not path.endswith(YAML):
            continue
        if path in kept and kept[path][0] == digest:
            digests[path], documents[path] = digest, Document(*kept[path][1:])
        else:
            digests[path], documents[path] = read_file(root, path)
    texts, unread = _texts(root, seen, digests)
    inputs = as_read(seen, digests)
    if use_cache and inputs.states != states:
        good = {path: _pack(digests[path], each) for path, each in documents.items() if not each.diagnostics}
        cache.store_documents(root, inputs, good)
    return Files(inputs, documents, texts, unread)


def _texts(root: Path, seen: Inputs, digests: dict[str, bytes]) -> tuple[dict[str, str], tuple[Diagnostic, ...]]:
    """Every file of SQL or macros, with what is wrong with those that cannot be read; fills `digests`."""
    texts, unread = dict[str, str](), list[Diagnostic]()
    for path in (each for each in seen.states if each.endswith(SQL)):
        try:
            found = content(root, path)
            digests[path], texts[path] = cache.digest(found), found.decode("utf-8-sig")
        except OSError as error:
            digests[path] = cache.ABSENT
            unread.append(_unreadable(path, error))
        except UnicodeDecodeError:
            unread.append(_undecodable(path))
    return texts, tuple(unread)


def read_file(root: Path, path: str) -> tuple[bytes, Document]:
    """The digest of a file's content, and its document."""
    try:
        found = content(root, path)
    except OSError as error:
        return cache.ABSENT, Document(diagnostics=(_unreadable(path, error),))
    return cache.digest(found), parse(found, path)


def as_read(seen: Inputs, digests: dict[str, bytes]) -> Inputs:
    """The inputs with what was really read, should a file have changed after it was looked at."""
    changed = {path: (digest, None) for path, digest in digests.items() if seen.states[path][0] != digest}
    return replace(seen, states={**seen.states, **changed}) if changed else seen


def _pack(digest: bytes, document: Document) -> tuple[Any, ...]:
    return digest, document.data, document.place, document.references


def _unreadable(path: str, error: OSError) -> Diagnostic:
    return Diagnostic(
        "E003",
        f"The file cannot be read: {error.strerror}.",
        "All definitions are needed to know that the names in them are right.",
        "Correct the permissions or the link, or delete the file.",
        Location(path),
    )


def _undecodable(path: str) -> Diagnostic:
    return Diagnostic(
        "E003",
        "The file is not UTF-8 text.",
        "Every file of a project is read as UTF-8.",
        "Save it as UTF-8.",
        Location(path),
    )
