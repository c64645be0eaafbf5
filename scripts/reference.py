"""Writes the parts of docs/ that come out of the code: settings, permissions, error codes, reasons, metrics.

    python scripts/reference.py           writes them between their marks
    python scripts/reference.py --check   says which are not as the code is, and fails
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import antiphon
from antiphon.app import all_rooms
from antiphon.execution.delivery import CLASSES, REASONS
from antiphon.foundation.config import document
from antiphon.foundation.errors import KINDS, AntiphonError
from antiphon.foundation.http.problems import CODES, STATUS
from antiphon.foundation.principal import ROLES
from antiphon.foundation.telemetry import registry

DOCS = Path(__file__).parents[1] / "docs"
_APART = ("antiphon.sandbox", "antiphon.cli", "antiphon.__main__")
_MARK = "<!-- {end}{name} (scripts/reference.py) -->"


def load_everything() -> None:
    """Import every module, so that every error and metric is known."""
    for found in pkgutil.walk_packages(antiphon.__path__, "antiphon."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    columns = list(head)
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join(lines)


def settings() -> str:
    """Every setting."""
    rows = [(f"`{name}`", f"`ANTIPHON_{name.upper()}`", _default(default), says) for name, default, says in document()]
    return table(("setting", "variable", "default", "meaning"), rows)


def _default(shown: str) -> str:
    return {"None": "", "''": "", "()": ""}.get(shown, f"`{shown}`".replace("'", ""))


def errors_of(cls: type[AntiphonError] = AntiphonError) -> Iterator[type[AntiphonError]]:
    """Every error class of the product, kinds included."""
    for below in cls.__subclasses__():
        if not below.__module__.startswith(_APART):
            yield below
        yield from errors_of(below)


def status_of(cls: type[AntiphonError]) -> int:
    """The status the API answers with; 500 for what never leaves it with its own words."""
    return next((STATUS[kind] for kind in cls.__mro__ if kind in STATUS), 500)


def answered() -> dict[str, tuple[int, bool, str]]:
    """Code → status, whether repeating it is useless, and what it says: all that the API can answer."""
    found = {
        cls.code: (status_of(cls), cls.permanent, " ".join((cls.__doc__ or "").split()))
        for cls in errors_of()
        if status_of(cls) != 500 or cls in KINDS
    }
    for status, code in CODES.items():
        found.setdefault(code, (status, True, ""))
    code, (_, permanent, says) = "method-not-post", found["method-not-post"]
    found[code] = (405, permanent, says)
    found["internal"] = (500, False, "Something went wrong on our side.")
    return {code: one for code, one in found.items() if code != "bad-settings"}


def codes() -> str:
    """Every stable code of a problem."""
    ordered = sorted(answered().items(), key=lambda item: (item[1][0], item[0]))
    return table(
        ("code", "status", "again?", "says"),
        ((f"`{code}`", str(status), "" if permanent else "later", says) for code, (status, permanent, says) in ordered),
    )


def permissions() -> str:
    """Permission by role; the owner has all."""
    roles = [role for role in ROLES if role != "owner"]
    rows = [
        (f"`{name}`", *("●" if role in has else "" for role in roles))
        for room in all_rooms()
        for name, has in sorted(room.permissions.items())
    ]
    return table(("permission", *(role.replace("_", " ") for role in roles)), rows)


def rooms() -> str:
    """Rooms and what they need."""
    return table(
        ("room", "floor", "can be off", "needs"),
        ((f"`{r.name}`", r.floor, "" if r.always else "yes", ", ".join(f"`{n}`" for n in r.requires)) for r in all_rooms()),
    )


def reasons() -> str:
    """Every reason of the delivery ledger."""
    return table(
        ("reason", "states", "says"),
        ((f"`{one.code}`", ", ".join(one.states), one.sentence) for one in REASONS.values()),
    )


def classes() -> str:
    """Message classes and their rules."""
    return table(
        ("class", "needs consent", "stopped by the suppression list for", "after an unknown outcome", "lifetime"),
        (
            (
                f"`{one.name}`", "yes" if one.needs_consent else "no", ", ".join(one.obeys),
                "said again" if one.resend_unknown else "never said again", str(one.lifetime).replace(", 0:00:00", ""),
            )
            for one in CLASSES.values()
        ),
    )  # fmt: skip


def metrics() -> str:
    """Every metric."""
    rows = []
    for family in registry._collector_to_names:
        name, kind = str(getattr(family, "_name", "")), str(getattr(family, "_type", ""))
        labels = ", ".join(getattr(family, "_labelnames", ()))
        shown = f"{name}_total" if kind == "counter" else name
        rows.append((f"`{shown}`", kind, labels, str(getattr(family, "_documentation", ""))))
    return table(("metric", "type", "labels", "meaning"), sorted(rows))


PARTS: dict[str, tuple[str, Callable[[], str]]] = {
    "settings": ("operations.md", settings),
    "rooms": ("operations.md", rooms),
    "metrics": ("operations.md", metrics),
    "permissions": ("api.md", permissions),
    "codes": ("api.md", codes),
    "reasons": ("data-model.md", reasons),
    "classes": ("data-model.md", classes),
}


def replaced(text: str, name: str, made: str) -> str:
    """The document with one part written anew."""
    begin, end = (re.escape(_MARK.format(end=mark, name=name)) for mark in ("", "end of "))
    new, count = re.subn(f"({begin}\n).*?({end})", lambda found: f"{found[1]}{made}\n{found[2]}", text, flags=re.DOTALL)
    if count != 1:
        raise SystemExit(f"there is no place for {name}: {_MARK.format(end='', name=name)}")
    return new


def write(*, check: bool) -> list[str]:
    """Bring every part up to date; the names of those that were not."""
    load_everything()
    stale = []
    for name, (file, make) in PARTS.items():
        path = DOCS / file
        before = path.read_text()
        after = replaced(before, name, make())
        if after != before:
            stale.append(name)
            if not check:
                path.write_text(after)
    return stale


if __name__ == "__main__":
    asked = "--check" in sys.argv
    found = write(check=asked)
    print(f"{'stale' if asked else 'written'}: {', '.join(found) or 'nothing'}")
    sys.exit(1 if asked and found else 0)
