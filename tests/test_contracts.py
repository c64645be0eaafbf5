"""The import contracts hold, and each of them catches a breach."""

from __future__ import annotations

import tomllib
from copy import deepcopy
from pathlib import Path
from typing import Any

import grimp
import pytest
from importlinter.configuration import configure
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.layers import LayersContract

ROOT = Path(__file__).parents[1]
OPTIONS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
CONTRACTS = {contract["id"]: contract for contract in OPTIONS["contracts"]}
FLOORS = ("awareness", "decisioning", "execution", "operations")

PUBLIC_INSIDE = {
    "antiphon.execution.channels.email", "antiphon.execution.channels.webhook",  # a channel is a room in a room
    "antiphon.execution.delivery.gate.quiet",  # wall times where people are, as the gate and journeys reckon them
    # What a rehearsal works with elsewhere than in life: segments' trees, and the gate's judgement.
    "antiphon.awareness.segments.language", "antiphon.execution.delivery.judging",
    # The language of conditions on properties, which traits and segments share.
    "antiphon.awareness.events.filters", "antiphon.awareness.events.properties", "antiphon.awareness.events.values",
}  # fmt: skip

BREACHES = {
    "floors": ("antiphon.foundation.ids", "antiphon.awareness.consent.model"),
    "awareness": ("antiphon.awareness.profiles.model", "antiphon.awareness.consent.model"),
    "decisioning": ("antiphon.decisioning.experiments.model", "antiphon.decisioning.offers"),
    "execution": ("antiphon.execution.channels.model", "antiphon.execution.content.model"),
    "foundation": ("antiphon.foundation.ids", "antiphon.foundation.jobs"),
    "sandbox": ("antiphon.sandbox.email", "antiphon.execution.delivery"),
    "duckdb": ("antiphon.awareness.segments.store", "duckdb"),
    "psycopg": ("antiphon.awareness.consent.store", "psycopg"),
    "mail-protocols": ("antiphon.execution.delivery.service", "aiosmtplib"),
    "outbound": ("antiphon.execution.channels.webhook.channel", "httpx2"),
    "edge": ("antiphon.awareness.consent.service", "litestar"),
}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    configure()
    return grimp.build_graph(
        "antiphon", include_external_packages=True, exclude_type_checking_imports=True, cache_dir=None
    )


def _kept(contract_id: str, graph: grimp.ImportGraph) -> bool:
    given = CONTRACTS[contract_id]
    kinds: dict[str, Any] = {"layers": LayersContract, "forbidden": ForbiddenContract}
    contract = kinds[given["type"]](
        name=given["name"],
        session_options={"root_packages": ["antiphon"], "include_external_packages": "True"},
        contract_options={key: _text(value) for key, value in given.items() if key not in ("id", "name", "type")},
    )
    kept: bool = contract.check(graph=graph, verbose=False).kept
    return kept


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, bool) else value


@pytest.mark.parametrize("contract_id", CONTRACTS)
def test_a_contract_is_kept(contract_id: str, graph: grimp.ImportGraph) -> None:
    assert _kept(contract_id, deepcopy(graph))


@pytest.mark.parametrize("contract_id", CONTRACTS)
def test_a_contract_catches_a_breach(contract_id: str, graph: grimp.ImportGraph) -> None:
    importer, imported = BREACHES[contract_id]
    broken = deepcopy(graph)
    for module in (importer, imported):
        if module not in broken.modules:
            broken.add_module(module, is_squashed=not module.startswith("antiphon"))
    broken.add_import(importer=importer, imported=imported)
    assert not _kept(contract_id, broken)


def _room(module: str) -> str | None:
    parts = module.split(".")
    return ".".join(parts[:3]) if len(parts) > 2 and parts[1] in FLOORS else None


def foreign_insides(graph: grimp.ImportGraph) -> list[str]:
    """Imports of a room's inner modules by another room, where only its public names may be used."""
    found = []
    for module in sorted(graph.modules):
        room = _room(module)
        if room is None:
            continue
        for imported in sorted(graph.find_modules_directly_imported_by(module)):
            other = _room(imported)
            public = imported == other or imported in PUBLIC_INSIDE
            if other is not None and other != room and not public:
                found.append(f"{module} -> {imported}")
    return found


def test_rooms_use_only_the_public_names_of_other_rooms(graph: grimp.ImportGraph) -> None:
    assert foreign_insides(graph) == []


def test_using_the_inside_of_another_room_is_noticed(graph: grimp.ImportGraph) -> None:
    broken = deepcopy(graph)
    broken.add_import(importer="antiphon.awareness.consent.service", imported="antiphon.awareness.profiles.store")
    assert "antiphon.awareness.consent.service -> antiphon.awareness.profiles.store" in foreign_insides(broken)
