"""All kinds of step this installation has: Antiphon's own and anybody's, by the same entry points."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points

from antiphon.execution.journeys.contract import ENTRY_POINTS, StepKind
from antiphon.foundation.errors import Invalid


class StepKindUnknown(Invalid):
    """There is no kind of step named {kind}."""

    code = "step-kind-unknown"


class Kinds:
    """Kinds of step by name."""

    def __init__(self, kinds: dict[str, StepKind]) -> None:
        self._kinds = kinds

    def __call__(self, name: str) -> StepKind:
        """Raises StepKindUnknown."""
        try:
            return self._kinds[name]
        except KeyError:
            raise StepKindUnknown(field="kind", kind=name) from None

    def __contains__(self, name: object) -> bool:
        return name in self._kinds

    def __iter__(self) -> Iterator[StepKind]:
        return iter(self._kinds.values())


@cache
def installed() -> Kinds:
    """The kinds of the packages installed here."""
    kinds: list[StepKind] = [point.load()() for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda one: one.name)]
    return Kinds({kind.name: kind for kind in kinds})
