# SPDX-License-Identifier: MIT
"""Commands that take a result elsewhere: a browser, ParaView, the patient's image, an observed lesion."""

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cases.errors import ExitCode, UserError

if TYPE_CHECKING:
    from postprocess.results.level import Level
    from postprocess.results.result import Result


def view(options: Namespace) -> int:
    """Serve an explorer of results on this machine, until it is stopped."""
    with _reading():
        from postprocess.scene.explorer import serve

        serve([_open(folder) for folder in options.folders], options.port, not options.no_browser)
    return ExitCode.DONE


def export(options: Namespace) -> int:
    """Write a result as images, surfaces, a script for ParaView or a page."""
    wanted = [name for name in ("nifti", "stl", "paraview", "scene") if getattr(options, name)]
    if not wanted:
        raise UserError("say what to write: --nifti, --stl, --paraview or --scene", ExitCode.USAGE)
    with _reading():
        result = _open(options.folder)
        out = Path(options.out) if options.out else result.folder
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{out} cannot be made: {error.strerror}", ExitCode.OUTPUT) from error
        for name in wanted:
            for line in _EXPORTS[name](result, out, options):
                print(f"wrote {line}")
    return ExitCode.DONE


def _nifti(result: "Result", out: Path, options: Namespace) -> list[str]:
    from postprocess.images.images import export_nifti, own_image, read_grid
    from postprocess.images.overlay import OVERLAY, export_overlay, segmented
    from postprocess.results.quantities import significant, volume_text
    from postprocess.results.result import ResultError

    grid = read_grid(Path(options.like) if options.like else own_image(result))
    default = "zone,tumour,ct,peak" if options.like else f"{OVERLAY},zone,tumour,ct,peak"
    names = tuple(name.strip() for name in (options.fields or default).split(","))
    level = _level(result, options)
    fields = tuple(name for name in names if name != OVERLAY)
    tumour = None
    if OVERLAY in names:
        try:
            tumour = segmented(result, grid)
        except ResultError as error:
            if options.fields:
                raise
            print(f"left out {OVERLAY}: {error}")
    written = export_nifti(result, out, grid, fields, level) if fields else {}
    lines = [f"{path}{'' if size is None else f'   {volume_text(size)}'}" for path, size in written.items()]
    if tumour is not None:
        path, size, overlap = export_overlay(result, out, grid, level, tumour)
        words = f"tumour as meshed and as segmented: Dice {significant(overlap)}"
        lines.append(f"{path}   {volume_text(size)} ({words})")
    return lines


def _stl(result: "Result", out: Path, options: Namespace) -> list[str]:
    from postprocess.images.solids import export_stl

    return [str(path) for path in export_stl(result, out, _level(result, options))]


def _paraview(result: "Result", out: Path, options: Namespace) -> list[str]:
    from postprocess.scene.paraview import write_macro

    return [str(write_macro(result, out, _level(result, options)))]


def _scene(result: "Result", out: Path, options: Namespace) -> list[str]:
    from postprocess.scene.scene import SCENE, write_scene

    return [str(write_scene(result, out / SCENE))]


_EXPORTS = {"nifti": _nifti, "stl": _stl, "paraview": _paraview, "scene": _scene}


def compare_lesion(options: Namespace) -> int:
    """Set an observed lesion against the predicted zone; picture and numbers go into the result folder."""
    with _reading():
        from meshes.geometry import Mask
        from postprocess.images.lesion import compare_lesion as compared
        from postprocess.images.lesion import write_agreement
        from postprocess.images.lesion_picture import draw_comparison
        from postprocess.images.lesion_table import agreement_table

        result = _open(options.folder)
        level = _level(result, options)
        mask = Mask(path=Path(options.mask), labels=tuple(options.label))
        comparison = compared(result, mask, level)
        out = Path(options.out) if options.out else result.folder / "lesion.json"
        write_agreement(out, result, mask, level, comparison.agreement)
        picture = draw_comparison(comparison, f"Zone at {level.words}", out.with_suffix(".png"))
        print(agreement_table(comparison.agreement, level))
        print(f"wrote {out}\nwrote {picture}")
    return ExitCode.DONE


def _open(folder: str) -> "Result":
    from postprocess.results.result import open_result

    if not (Path(folder) / "summary.json").is_file():
        raise UserError(f"{folder}: no result folder (no summary.json in it)", ExitCode.MISSING_INPUT)
    return open_result(Path(folder))


def _level(result: "Result", options: Namespace) -> "Level":
    """The level named by ``--threshold`` (with its unit, or in SI) and ``--measure``."""
    from cases.schema.units import CONCENTRATION, DOSE, to_si
    from postprocess.results.level import choose_level

    text = options.threshold
    if text is None:
        return choose_level(result)
    try:
        value = float(text)
    except ValueError:
        try:
            value = to_si(text, DOSE if options.measure == "ct" else CONCENTRATION)
        except ValueError as error:
            raise UserError(f"--threshold: {error}", ExitCode.USAGE) from error
    if not 0.0 < value < float("inf"):
        raise UserError(f"--threshold: found {text}, expected a number above 0", ExitCode.USAGE)
    return choose_level(result, value, options.measure)


@contextmanager
def _reading() -> Iterator[None]:
    """What can go wrong with a result, told in one line."""
    try:
        from postprocess.results.result import ResultError
    except ImportError as error:
        raise UserError(
            f"cannot read results: {error.name} is not installed", ExitCode.UNAVAILABLE
        ) from error
    try:
        yield
    except ImportError as error:
        raise UserError(
            f"{error.name} is not installed; it is needed for this", ExitCode.UNAVAILABLE
        ) from error
    except ResultError as error:
        raise UserError(str(error), ExitCode.INVALID) from error
