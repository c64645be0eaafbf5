"""Arrays of ids to Roaring bitmaps, and bitmaps to bytes."""

from array import array
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

DENSE = 16
"""Mark ids in an array of booleans instead of sorting them when they fill at least 1 in this many places."""


def bitmap(ids: NDArray[Any]) -> BitMap:
    """Return the set of ``ids``, which may be in any order.

    Roaring is built fastest from sorted ids; marking and reading marks sorts a dense set many times faster than sorting.
    """
    if not len(ids):
        return BitMap()
    ids = ids.astype(np.uint32, copy=False)
    top = int(ids.max())
    if top < DENSE * len(ids):
        marks = np.zeros(top + 1, dtype=np.bool_)
        marks[ids] = True
        return _sorted(np.flatnonzero(marks))
    return _sorted(np.sort(ids))


def leaf_bitmaps(answer: Mapping[str, NDArray[Any]], leaves: int) -> list[BitMap]:
    """Return one set for each leaf of a scan's answer (columns ``profile_id`` and, for several leaves, ``bits``)."""
    ids = np.asarray(answer["profile_id"])
    if leaves == 1:
        return [bitmap(ids)]
    bits = np.asarray(answer["bits"])
    if len(ids) and int(ids.max()) < DENSE * len(ids):
        spread = np.zeros(int(ids.max()) + 1, dtype=bits.dtype)
        spread[ids] = bits
        return [_sorted(np.flatnonzero(held)) for held in _planes(spread, leaves)]
    order = np.argsort(ids, kind="stable")
    ids, bits = ids[order], bits[order]
    return [_sorted(ids[held]) for held in _planes(bits, leaves)]


def _planes(bits: NDArray[Any], leaves: int) -> Iterator[NDArray[np.bool_]]:
    """Yield where each bit is set, lowest first; a byte at a time, since eight bits are asked of each."""
    split = bits.view(np.uint8).reshape(-1, bits.dtype.itemsize)
    for first in range(0, leaves, 8):
        byte = np.ascontiguousarray(split[:, first // 8])
        for bit in range(min(8, leaves - first)):
            yield (byte & np.uint8(1 << bit)) != 0


def _sorted(ids: NDArray[Any]) -> BitMap:
    return BitMap(array("I", ids.astype(np.uint32, copy=False).tobytes()))


def encode(ids: BitMap) -> bytes:
    """Return the portable serialised form, runs compressed."""
    ids = ids.copy()
    ids.run_optimize()
    return bytes(ids.serialize())


def decode(data: bytes | memoryview) -> BitMap:
    """Return the set that ``encode`` wrote."""
    return BitMap.deserialize(bytes(data))
