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
    "POST /confirm/{token:str}": "a customer's own word, kept in the consent ledger",
    "POST /p/{token:str}": "a customer's own word, kept in the consent ledger and among the changes of preferences",
    "POST /u/{token:str}": "a customer's own word, kept in the consent ledger",
    "POST /v1/channels/{account_id:int}/dkim/check": "asks DNS",
    "POST /v1/channels/measure": "counts",
    "POST /v1/campaigns/trigger": "looks back",
    "POST /v1/messages": "the ledger is its record",
    "POST /v1/messages/batch": "the ledger is its record",
    "POST /v1/channels/{account_id:int}/test": "connects and changes nothing",
    "POST /v1/delivery/routes/try": "asks the rules",
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


def _room(parts: tuple[str, ...]) -> str:
    return "web" if parts[0] == "web" else "/".join(parts[:2])


@cache
def calls() -> dict[str, dict[str, set[str]]]:
    """Room → function → every name it mentions."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in ROOT.rglob("*.py"):
        room = _room(path.relative_to(ROOT).parts)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef):
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Name):
                        found[room][node.name].add(inner.id)
                    elif isinstance(inner, ast.Attribute):
                        found[room][node.name].add(inner.attr)
    return found


def reaches_audit(room: str, function: str) -> bool:
    """Whether `function` of `room`, or what it calls in its room or in access, writes the audit log."""
    seen: set[str] = set()
    waiting = [function]
    while waiting:
        name = waiting.pop()
        if name == "audit":
            return True
        if name not in seen:
            seen.add(name)
            waiting += calls()[room].get(name, ())
            if name in ("issue_key", "revoke_key"):
                waiting += calls()["foundation/access"][name]
    return False


def changing() -> list[tuple[str, str, str]]:
    """(label, room, function) of each endpoint of a changing method."""
    found = []
    for room in all_rooms():
        for route in room.routes:
            if isinstance(route, HTTPRouteHandler) and route.http_methods & CHANGING:
                parts = route.fn.__module__.split(".")
                for path in route.paths:
                    found.append((f"{min(route.http_methods)} {path}", _room(tuple(parts[1:3])), route.fn.__name__))
    return sorted(found)


@pytest.mark.parametrize(("label", "room", "function"), changing())
def test_a_change_is_audited(label: str, room: str, function: str) -> None:
    if label in EXEMPT:
        assert not reaches_audit(room, function), f"{label} is audited and need not be exempt"
    else:
        assert reaches_audit(room, function), f"{label} changes something without a line in the audit log"


def test_exemptions_are_of_endpoints_there_are() -> None:
    assert set(EXEMPT) <= {label for label, _, _ in changing()}
