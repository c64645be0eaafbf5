"""What can be read off the graph of a journey alone: where nobody comes, circles without a rest, places nobody leaves. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

Graph = Mapping[str, Sequence[str]]
"""For each step the steps its ways lead to."""


def reached(graph: Graph, start: str) -> set[str]:
    """Every step one can come to."""
    found, todo = {start}, [start]
    while todo:
        for one in graph.get(todo.pop(), ()):
            if one not in found:
                found.add(one)
                todo.append(one)
    return found


def leading_to(graph: Graph, ends: Collection[str]) -> set[str]:
    """Every step from which one of these can be come to."""
    back: dict[str, list[str]] = {}
    for one, onward in graph.items():
        for to in onward:
            back.setdefault(to, []).append(one)
    found, todo = set(ends), list(ends)
    while todo:
        for one in back.get(todo.pop(), ()):
            if one not in found:
                found.add(one)
                todo.append(one)
    return found


def circles(graph: Graph, without: Collection[str]) -> list[list[str]]:
    """A circle for each set of steps that lead to one another past no step of ``without``, in the graph's order."""
    kept = [one for one in graph if one not in without]
    left = {one: [to for to in graph[one] if to in graph and to not in without] for one in kept}
    found: list[list[str]] = []
    seen: set[str] = set()
    for first in left:
        if first in seen:
            continue
        circle = _circle_from(left, first, seen)
        if circle:
            found.append(circle)
    return found


def _circle_from(graph: Graph, first: str, seen: set[str]) -> list[str]:
    """A circle that can be come to from a step through steps not seen yet; marks what it sees."""
    path: list[str] = [first]
    place = {first: 0}
    ways = [list(graph[first])]
    seen.add(first)
    circle: list[str] = []
    while path:
        if not ways[-1]:
            place.pop(path.pop())
            ways.pop()
            continue
        to = ways[-1].pop(0)
        if to in place:
            circle = circle or path[place[to] :]
        elif to not in seen:
            seen.add(to)
            place[to] = len(path)
            path.append(to)
            ways.append(list(graph[to]))
    return circle
