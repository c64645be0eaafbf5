"""Every endpoint that changes something writes the audit log.

Found in the code itself: from each handler of a changing method, through the functions it calls, `audit` must be reached.
An endpoint that changes nothing, or whose own table is its record, is named below with the reason.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest
from litestar.handlers import HTTPRouteHandler

import antiphon
from antiphon.app import all_rooms

ROOT = Path(antiphon.__file__).parent
CHANGING = {"POST", "PUT", "PATCH", "DELETE"}

EXEMPT = {
    "POST /v1/campaigns/{campaign_id:int}/estimate": "asks the gate",
    "POST /v1/campaigns/recurrence": "works out dates",
    "POST /callbacks/{account_id:int}": "news of messages, kept in the ledger",
    "POST /confirm/{token:str}": "a customer's own word, kept in the consent ledger",
    "POST /p/{token:str}": "a customer's own word, kept in the consent ledger and among the changes of preferences",
    "POST /u/{token:str}": "a customer's own word, kept in the consent ledger",
    "POST /v1/channels/{account_id:int}/dkim/check": "asks DNS",
    "POST /v1/channels/measure": "counts",
    "POST /v1/campaigns/trigger": "looks back",
    "POST /v1/journeys/{journey_id:int}/check": "checks",
    "POST /v1/journeys/{journey_id:int}/publish/preview": "counts",
    "POST /v1/journeys/{journey_id:int}/rollback/preview": "counts",
    "POST /v1/messages": "the ledger is its record",
    "POST /v1/messages/batch": "the ledger is its record",
    "POST /v1/channels/{account_id:int}/test": "connects and changes nothing",
    "POST /v1/delivery/routes/try": "asks the rules",
    "POST /v1/experiments/plan": "works out sizes",
    "POST /v1/imports/files/{file_id:int}/preview": "reads the file",
    "POST /v1/segments/combine": "counts",
    "POST /v1/segments/overlap": "counts",
    "POST /v1/computed-traits/preview": "works out what some would have",
    "POST /v1/segments/preview": "counts",
    "POST /v1/segments/why": "explains",
    "POST /v1/segments/{segment_id:int}/diff": "compares",
    "POST /v1/segments/{segment_id:int}/refresh": "works out anew what would be worked out anyway",
    "POST /v1/templates/check": "checks",
    "POST /v1/templates/preview": "renders",
    "POST /v1/verifications/{verification_id:int}/check": "somebody's own word, counted in the verification",
    "POST /v1/totp": "a second factor counts once confirmed, and that is audited",
}


Called = tuple[str, str]
"""A function: its module and its name."""


@cache
def calls() -> dict[Called, set[Called]]:
    """Function → the functions it mentions: of its module, of what it imported by name, and of modules it imported."""
    found: dict[Called, set[Called]] = defaultdict(set)
    for path in ROOT.rglob("*.py"):
        module = ".".join(("antiphon", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
        tree = ast.parse(path.read_text())
        names: dict[str, Called] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                names |= {one.asname or one.name: (node.module, one.name) for one in node.names}
        for node in tree.body:
            if not path.name.startswith("__init__"):
                continue
            if isinstance(node, ast.ImportFrom) and node.module:  # what a room passes on is found where it is
                for one in node.names:
                    found[module, one.asname or one.name].add((node.module, one.name))
        for node in ast.walk(tree):
            if not isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef):
                continue
            for inner in ast.walk(node):
                match inner:
                    case ast.Name(id=name):
                        found[module, node.name].add(names.get(name, (module, name)))
                    case ast.Attribute(value=ast.Name(id=owner), attr=name) if owner in names:
                        found[module, node.name].add((".".join(names[owner]), name))
                    case ast.Attribute(value=ast.Name(id="self"), attr=name):
                        found[module, node.name].add((module, name))
    return found


def reaches_audit(module: str, function: str) -> bool:
    """Whether a function, or what it calls, writes the audit log."""
    seen: set[Called] = set()
    waiting: list[Called] = [(module, function)]
    while waiting:
        called = waiting.pop()
        if called[1] == "audit":
            return True
        if called not in seen:
            seen.add(called)
            waiting += calls().get(called, ())
    return False


def changing() -> list[tuple[str, str, str]]:
    """(label, module, function) of each endpoint of a changing method."""
    found = []
    for room in all_rooms():
        for route in room.routes:
            if isinstance(route, HTTPRouteHandler) and route.http_methods & CHANGING:
                found += [(f"{min(route.http_methods)} {path}", route.fn.__module__, route.fn.__name__) for path in route.paths]
    return sorted(found)


@pytest.mark.parametrize(("label", "module", "function"), changing())
def test_a_change_is_audited(label: str, module: str, function: str) -> None:
    if label in EXEMPT:
        assert not reaches_audit(module, function), f"{label} is audited and need not be exempt"
    else:
        assert reaches_audit(module, function), f"{label} changes something without a line in the audit log"


def test_exemptions_are_of_endpoints_there_are() -> None:
    assert set(EXEMPT) <= {label for label, _, _ in changing()}
