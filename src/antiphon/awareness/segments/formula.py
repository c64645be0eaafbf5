"""Sets of people as formulas over leaves, worked out on bitmaps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, assert_never

from pyroaring import BitMap

Given: TypeAlias = Mapping[Any, BitMap]
"""Sets that are no leaves: by the id of a static list, or (segment, percent) of likeness."""


@dataclass(frozen=True)
class Everyone:
    """All profiles."""


@dataclass(frozen=True)
class Leaf:
    """The answer to leaf number ``index`` of a plan. ``bounded``: it can hold only ids of profiles that exist."""

    index: int
    bounded: bool


@dataclass(frozen=True)
class Listed:
    """Ids written in the tree itself."""

    ids: tuple[int, ...]


@dataclass(frozen=True)
class Stored:
    """The stored members of a static list."""

    segment_id: int


@dataclass(frozen=True)
class Alike:
    """Those most like the members of a segment, as a model says."""

    segment_id: int
    percent: float


@dataclass(frozen=True)
class Every:
    """The intersection; of nothing, all profiles."""

    of: tuple["Formula", ...]


@dataclass(frozen=True)
class Some:
    """The union; of nothing, nobody."""

    of: tuple["Formula", ...]


@dataclass(frozen=True)
class Except:
    """All profiles but these."""

    of: "Formula"


Formula: TypeAlias = Everyone | Leaf | Listed | Stored | Alike | Every | Some | Except


def bounded(formula: Formula, known: dict[int, bool] | None = None) -> bool:
    """Whether the formula can hold only ids of profiles that exist, whatever its leaves answer.

    ``known`` remembers parts by identity: segments refer to segments in many ways, and each is looked at once.
    """
    known = {} if known is None else known
    found = known.get(id(formula))
    if found is None:
        match formula:
            case Leaf(bounded=found):
                pass
            case Everyone() | Listed() | Stored() | Alike() | Except():
                found = False
            case Every(of=of):
                found = any(bounded(part, known) for part in of)
            case Some(of=of):
                found = all(bounded(part, known) for part in of)
            case _:
                assert_never(formula)
        known[id(formula)] = found
    return found


@dataclass(frozen=True)
class _Set:
    """A set, or when ``rest`` is true all the others: so a ``not`` costs nothing until somebody looks."""

    ids: BitMap
    rest: bool = False


def solve(formula: Formula, leaves: Sequence[BitMap], everyone: BitMap | None, stored: Given) -> BitMap:
    """Return the members: ``everyone`` may be None only if the formula is bounded."""
    memo: dict[int, _Set] = {}
    found = _solve(formula, leaves, stored, memo)
    if everyone is None:
        if found.rest:
            raise ValueError("an unbounded formula needs the set of all profiles")
        return found.ids
    return everyone - found.ids if found.rest else everyone & found.ids


def _solve(formula: Formula, leaves: Sequence[BitMap], stored: Given, memo: dict[int, _Set]) -> _Set:
    known = memo.get(id(formula))
    if known is None:
        memo[id(formula)] = known = _work(formula, leaves, stored, memo)
    return known


def _work(formula: Formula, leaves: Sequence[BitMap], stored: Given, memo: dict[int, _Set]) -> _Set:
    match formula:
        case Everyone():
            return _Set(BitMap(), rest=True)
        case Leaf(index=index):
            return _Set(leaves[index])
        case Listed(ids=ids):
            return _Set(BitMap(ids))
        case Stored(segment_id=segment_id):
            return _Set(stored[segment_id])
        case Alike(segment_id=segment_id, percent=percent):
            return _Set(stored[segment_id, percent])
        case Except(of=one):
            inner = _solve(one, leaves, stored, memo)
            return _Set(inner.ids, not inner.rest)
        case Every(of=of):
            return _intersection([_solve(part, leaves, stored, memo) for part in of])
        case Some(of=of):
            inner = _intersection([_not(_solve(part, leaves, stored, memo)) for part in of])
            return _not(inner)
        case _:
            assert_never(formula)


def _not(one: _Set) -> _Set:
    return _Set(one.ids, not one.rest)


def _intersection(sets: list[_Set]) -> _Set:
    """Intersect, smallest first; what is excluded is excluded together."""
    inside = sorted((one.ids for one in sets if not one.rest), key=len)
    outside = [one.ids for one in sets if one.rest]
    if not inside:
        return _Set(BitMap.union(*outside) if outside else BitMap(), rest=True)
    found = inside[0].copy()
    for ids in inside[1:]:
        found &= ids
    for ids in outside:
        found -= ids
    return _Set(found)
