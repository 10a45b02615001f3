# SPDX-License-Identifier: MIT
"""The look of every page: one environment for templates, pictures inlined, numbers with units."""

import base64
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from postprocess.results import quantities
from postprocess.writing import fresh

TEMPLATES: Final = Path(__file__).parents[1] / "templates"
_MIME: Final = {".png": "image/png", ".svg": "image/svg+xml"}
_FILTERS: Final[dict[str, Callable[[float], str]]] = {
    "volume": quantities.volume_text,
    "distance": quantities.length_text,
    "pressure": quantities.pressure_text,
    "percent": quantities.percent,
    "duration": quantities.duration_text,
    "significant": quantities.significant,
}


def _unbroken(text: Callable[[float], str]) -> Callable[[float], str]:
    """The same text, kept on one line by browsers."""
    return lambda value: text(value).replace(" ", "\N{NO-BREAK SPACE}")


def rendered(template: str, **content: Any) -> str:
    """A page as text.

    Args:
        template: in the folder ``templates``; it extends ``base.html.j2``.
        content: what the template names; texts are escaped.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {name: _unbroken(text) for name, text in _FILTERS.items()}
    return environment.get_template(template).render(**content)


def inlined(path: Path) -> str:
    """A picture, PNG or SVG, as an address that holds it."""
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    return f"data:{_MIME[path.suffix]};base64,{data}"


def write_page(text: str, path: Path) -> Path:
    """Writes a page whole: it appears under its name when it is complete.

    Raises:
        OSError: the folder cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    with fresh(partial).open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    return partial.replace(path)
