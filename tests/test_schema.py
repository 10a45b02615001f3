# SPDX-License-Identifier: MIT
"""The schema: closed to typos, in step with the solver's records, and read back from resolved.toml."""

import json
import string
import tomllib
from collections.abc import Iterator
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from cases.errors import CaseError, Key
from cases.reading.explain import entry_path, quantity_of
from cases.reading.load import load_case
from cases.reading.resolve import case_hash, resolved_text, toml_text, write_resolved
from cases.reading.validate import checked, model_at
from cases.schema.case import CaseFile
from cases.schema.numerics import MeshTable, NumericsTable, PhysicsTable
from cases.suggest import nearest
from meshes.geometry import LabelGeometry, MeshGeometry, MeshSizes
from solver.parameters.model import Model, Numerics, Physics, Thresholds
from solver.tissue.conductivity import LAWS
from tests.case_files import MINIMAL, REFERENCE, shipped, written

pytestmark = pytest.mark.serial


def all_tables(path: Key = ()) -> Iterator[tuple[Key, type[BaseModel]]]:
    """Every table of the schema with a path to it."""
    table = model_at(path)
    assert table is not None
    yield path, table
    for key in table.model_fields:
        below = entry_path((*path, key))
        if model_at(below) is not None:
            yield from all_tables(below)


def typos(word: str) -> Iterator[str]:
    """Words one slip of the keyboard away: a letter missing, doubled, swapped or wrong."""
    for i in range(len(word)):
        yield word[:i] + word[i + 1 :]
        yield word[: i + 1] + word[i:]
        yield word[:i] + word[i + 1 : i + 2] + word[i] + word[i + 2 :]
        yield word[:i] + string.ascii_lowercase[(ord(word[i]) * 7 + i) % 26] + word[i + 1 :]


def test_the_schema_has_all_tables() -> None:
    tables = dict(all_tables())
    assert len(tables) > 15
    assert sum(len(table.model_fields) for table in tables.values()) > 100


def test_every_typo_of_every_key_is_answered_with_the_right_key() -> None:
    asked, right = 0, 0
    for _, table in all_tables():
        keys = set(table.model_fields)
        for key in keys:
            for typo in {typo for typo in typos(key) if typo and typo not in keys}:
                asked += 1
                right += nearest(typo, keys) == key
    assert asked > 3000
    assert right / asked >= 0.95, f"{right} of {asked}"


def test_every_table_refuses_unknown_keys() -> None:
    for path, _ in all_tables():
        tables: dict[str, Any] = {}
        target: Any = tables
        for part, following in zip(path, [*path[1:], ""][: len(path)], strict=True):
            new: Any = [{}] if isinstance(following, int) else {}
            target = target[part] if isinstance(part, int) else target.setdefault(part, new)
        target["unheard_of"] = 1
        _, problems, _ = checked(tables)
        assert (*path, "unheard_of") in {problem.key for problem in problems}, path


def test_every_key_is_described_and_every_number_has_a_range() -> None:
    for path, table in all_tables():
        for key, field in table.model_fields.items():
            assert field.description, (path, key)
            quantity = quantity_of(field.annotation, list(field.metadata))
            if quantity is not None:
                assert quantity.low < quantity.high


def test_defaults_lie_in_their_ranges() -> None:
    for path, table in all_tables():
        for key, field in table.model_fields.items():
            quantity = quantity_of(field.annotation, list(field.metadata))
            if (
                quantity is not None
                and isinstance(field.default, int | float)
                and not isinstance(field.default, bool)
            ):
                assert quantity.low <= field.default <= quantity.high, (path, key)


@pytest.mark.parametrize(("table", "record"), [(PhysicsTable, Physics), (NumericsTable, Numerics)])
def test_tables_are_in_step_with_the_solver(table: type[BaseModel], record: type) -> None:
    own = {"accuracy", "cells_per_front", "mesh"} if record is Numerics else set()
    assert set(table.model_fields) - own == {item.name for item in fields(record)}
    for item in fields(record):
        assert item.default is not MISSING
        assert table.model_fields[item.name].default == item.default, item.name
    if record is Physics:
        import solver.parameters.model as parameters

        choices = {
            "flow": parameters.FlowModel,
            "closure": parameters.Closure,
            "agent_exchange": parameters.AgentExchange,
            "far_field": parameters.BoundaryKind,
            "organ_surface": parameters.BoundaryKind,
        }
        for name, choice in choices.items():
            assert set(get_args(table.model_fields[name].annotation)) == set(get_args(choice)), name
        assert set(get_args(table.model_fields["conductivity"].annotation)) == set(LAWS)


def test_single_edge_lengths_are_in_step_with_the_mesh() -> None:
    assert set(MeshTable.model_fields) == {item.name for item in fields(MeshSizes)}


def test_default_thresholds_are_those_of_the_solver(tmp_path: Path) -> None:
    case = load_case(written(tmp_path, MINIMAL))
    assert case.model.thresholds == Thresholds()
    assert case.ct_labels == ("10 mg min/L", "75 mg min/L", "150 mg min/L")


def test_the_json_schema_states_units() -> None:
    schema = json.loads(json.dumps(CaseFile.model_json_schema()))
    rate = schema["$defs"]["InjectionTable"]["properties"]["rate"]["anyOf"][0]
    assert rate["x-unit-si"] == "m^3/s" and rate["x-dimension"] == "volume per time"
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == {"name", "geometry", "agent", "injection"}


def settled(model: Model) -> Model:
    """A model whose files are named in one way; a record names them from where it stands."""
    placed = (replace(item, path=item.path and item.path.resolve()) for item in model.tissue_fields)
    return replace(model, tissue_fields=tuple(placed))


@pytest.mark.parametrize("path", shipped(), ids=lambda path: path.stem)
def test_resolved_shipped_cases_are_read_back(path: Path, tmp_path: Path) -> None:
    try:
        case = load_case(path)
    except CaseError as error:
        pytest.skip(str(error))
    write_resolved(case, tmp_path / "resolved.toml")
    again = load_case(tmp_path / "resolved.toml")
    assert case_hash(again) == case_hash(case)
    assert settled(again.model) == settled(case.model)
    assert (again.name, again.title, again.ct_labels) == (case.name, case.title, case.ct_labels)
    if not isinstance(case.geometry, LabelGeometry | MeshGeometry):
        assert again.geometry == case.geometry


def test_the_hash_sees_every_kind_of_change() -> None:
    base = case_hash(load_case(REFERENCE))
    changes = [
        "injection.0.rate=0.9 mL/min",
        "geometry.kind=3d",
        "tissues.tumour.porosity=0.31",
        "numerics.limiter=false",
        "physics.lymph=false",
        "thresholds.ct=[]",
        "outputs.end=300 s",
        "agent.molar_mass=67 g/mol",
    ]
    assert len({base, *(case_hash(load_case(REFERENCE, [change])) for change in changes)}) == len(changes) + 1
    assert case_hash(load_case(REFERENCE, ["injection.0.rate=60 mL/h"])) == base


def test_an_edited_resolved_file_is_checked(tmp_path: Path) -> None:
    text = resolved_text(load_case(REFERENCE), tmp_path)
    for old, new in [
        ("porosity =", "porosty ="),
        ("porosity = 0.3", 'porosity = "x"'),
        ("[tissues.tissue]", "[tissues.x]"),
        ("porosity = 0.3", "porosity = -0.3"),
        ('hash = "', 'hash = "0'),
    ]:
        assert old in text
        with pytest.raises(CaseError):
            load_case(written(tmp_path, text.replace(old, new, 1)))


def test_a_resolved_file_takes_no_overrides(tmp_path: Path) -> None:
    write_resolved(load_case(REFERENCE), tmp_path / "resolved.toml")
    with pytest.raises(CaseError, match="takes no override"):
        load_case(tmp_path / "resolved.toml", ["numerics.limiter=false"])


texts = st.text(st.characters(blacklist_categories=("Cs",)), max_size=30)
plain = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(texts, plain.filter(lambda value: not isinstance(value, list)), max_size=5))
def test_toml_text_is_read_back(tables: dict[str, Any]) -> None:
    def without_mixed_lists(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: without_mixed_lists(item) for key, item in value.items()}
        if isinstance(value, list):
            return [item for item in value if not isinstance(item, dict | list)]
        return value

    tables = without_mixed_lists(tables)
    assert tomllib.loads(toml_text(tables)) == tables


UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
LETTERS = st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=UNSEEN)
titles = st.text(LETTERS, max_size=20)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_random_cases_round_trip(data: st.DataObject, tmp_path: Path) -> None:
    def number(low: float, high: float) -> float:
        return data.draw(st.floats(low, high, allow_subnormal=False))

    radius = number(2.0, 30.0)
    tip = [f"{number(-0.4, 0.4) * radius!r} mm" for _ in range(3)]
    overrides = [
        f"title={json.dumps(data.draw(titles))}",
        f"geometry.domain_radius={number(3, 10) * radius!r} mm",
        f"geometry.tumour.radius={radius!r} mm",
        f"injection.0.tip={json.dumps(tip)}",
        f"injection.0.volume={number(1e-3, 10)!r} mL",
        f"injection.0.rate={number(1e-3, 10)!r} mL/min",
        f"injection.0.needle={data.draw(st.sampled_from(['18G', '22G', '27G']))}",
        f"tissues.tumour.porosity={number(0.05, 0.8)!r}",
        f"agent.reaction_rate={number(1e-3, 1.0)!r} 1/s",
        f"physics.conductivity={data.draw(st.sampled_from(['rigid', 'exponential', 'fissuring']))}",
        f"numerics.limiter={json.dumps(data.draw(st.booleans()))}",
    ]
    case = load_case(written(tmp_path, MINIMAL), overrides)
    write_resolved(case, tmp_path / "resolved.toml")
    again = load_case(tmp_path / "resolved.toml")
    assert case_hash(again) == case_hash(case)
    assert again.model == case.model and again.geometry == case.geometry
