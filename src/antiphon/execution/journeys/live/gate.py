"""A gate's turns: how many pass when, so that no stretch of time sees more than its most. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from antiphon.execution.journeys.contract import Ints

Turns = list[list[int]]
"""Turns given, as [instant, how many], in order."""


def passing(passed: Sequence[Sequence[int]], at: Ints, most: int, length: int) -> tuple[Ints, Turns]:
    """(when each of some people whose turn has come may really pass, who passed lately from now on).

    Turns are given ahead; where nobody was moved for a while, many have come by then, and they pass no faster than ``most`` in
    any ``length`` all the same. ``passed``: who passed, as [instant, how many], in order; who may not pass at once comes again.
    """
    until, _ = turns_of(passed, at, most, length)
    now = until <= at
    kept = turns_of(passed, at[now], most, length)[1]
    return until, [one for one in kept if not len(at) or one[0] > int(at.max()) - length]


def turns_of(given: Sequence[Sequence[int]], at: Ints, most: int, length: int) -> tuple[Ints, Turns]:
    """(when each of some people may pass, the turns a gate has to remember from now on).

    ``given`` are the turns it gave before. Between a turn and the one ``most`` turns later lies at least ``length``: hence at
    most ``most`` pass in any such stretch. Whoever asks first passes first; nobody passes before who asked before.
    """
    last = deque([int(when), int(many)] for when, many in given)
    count = sum(many for _, many in last)
    while count > most and last:  # the gate has become narrower
        spare = min(count - most, last[0][1])
        last[0][1] -= spare
        count -= spare
        if not last[0][1]:
            last.popleft()
    passes = np.empty(len(at), dtype=np.int64)
    for place in np.argsort(at, kind="stable").tolist():
        when = int(at[place])
        if last:
            when = max(when, last[-1][0])
        if count >= most:  # the turn that is `most` before this one is the oldest remembered
            when = max(when, last[0][0] + length)
            last[0][1] -= 1
            count -= 1
            if not last[0][1]:
                last.popleft()
        passes[place] = when
        if last and last[-1][0] == when:
            last[-1][1] += 1
        else:
            last.append([when, 1])
        count += 1
    return passes, list(last)
