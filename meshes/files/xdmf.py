# SPDX-License-Identifier: MIT
"""What an XDMF file names: its text is XML, the numbers lie in other files, which must lie beside it."""

from pathlib import Path
from typing import Final
from xml.parsers import expat

from meshes.geometry import MeshInputError

SUFFIXES: Final = (".xdmf", ".xmf")

LONGEST_TEXT: Final = 2**24
"""Of an XDMF file, whose numbers lie elsewhere [bytes]."""

LONGEST_NAME: Final = 4096
"""Characters kept of what an element names."""


class _Names:
    """Collects what elements name as the place of their numbers; refuses entities and inclusion."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._open: list[str | None] = []

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """An element opens; the text of the one around it ends for a reader there."""
        if name.rpartition(":")[2] == "include":
            raise ValueError("includes other files; expected one that stands alone")
        self._finish()
        kind = attributes.get("Format")
        if kind is not None and kind not in ("XML", "HDF"):
            raise ValueError(f"takes numbers from a file of the format {kind[:20]!r}; expected HDF or XML")
        # a reader takes whatever element stands where numbers are expected
        elsewhere = kind == "HDF" or (kind is None and name == "DataItem")
        self._open.append("" if elsewhere else None)

    def text(self, piece: str) -> None:
        """Text, which comments may have cut."""
        known = self._open[-1] if self._open else None
        if known is not None and len(known) < LONGEST_NAME:
            self._open[-1] = known + piece[:LONGEST_NAME]

    def end(self, _: str) -> None:
        """An element closes."""
        self._finish()
        self._open.pop()

    def entity(self, *_: object) -> None:
        """Entities stand for text or for other files."""
        raise ValueError("includes other files or text by entities; expected one that stands alone")

    def _finish(self) -> None:
        known = self._open[-1] if self._open else None
        if known is not None:
            self.found.append(known.strip())
            self._open[-1] = None


def data_files(path: Path) -> tuple[Path, ...]:
    """The files that an XDMF file takes its numbers from, each once, whether they are there or not.

    Args:
        path: of the XDMF file.

    Raises:
        MeshInputError: it is too large, no XML, uses entities or inclusion, names a file elsewhere than
            beside it, or one that is no HDF5.
    """
    try:
        if path.stat().st_size > LONGEST_TEXT:
            raise MeshInputError(
                f"{path}: cannot be read: larger than {LONGEST_TEXT >> 20} MiB; no XDMF file is"
            )
        content = path.read_bytes()
    except OSError as error:
        raise MeshInputError(f"{path}: cannot be read: {error.strerror}") from error
    names = _Names()
    parser = expat.ParserCreate()
    parser.StartElementHandler = names.begin
    parser.CharacterDataHandler = names.text
    parser.EndElementHandler = names.end
    parser.EntityDeclHandler = names.entity
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise MeshInputError(f"{path}: cannot be read: its text is no XML ({error})") from error
    except ValueError as error:
        raise MeshInputError(f"{path}: {error}") from error
    files = dict.fromkeys(text.partition(":")[0].strip() for text in names.found if text)
    for name in files:
        if not name or "/" in name or "\\" in name or "\0" in name or name in (".", ".."):
            raise MeshInputError(
                f"{path}: takes numbers from {name[:60]!r}; expected a file beside it, by name"
            )
    return tuple(path.with_name(name) for name in files)
