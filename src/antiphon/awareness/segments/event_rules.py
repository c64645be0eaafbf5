"""What conditions on events must satisfy: names, properties, windows, steps."""

from collections.abc import Sequence as Ordered
from typing import assert_never

from antiphon.awareness.events import PropertyFilter
from antiphon.awareness.events.filters import MOST_FILTERS, BadFilter, check_filter, check_path
from antiphon.awareness.segments.engagement import as_event
from antiphon.awareness.segments.kinds import Engagement, EventTime, Sequence, Step
from antiphon.awareness.segments.limits import MAX_STEPS, event_name, length, numeric, refuse, sane, span
from antiphon.awareness.segments.model import EventCondition, Surroundings
from antiphon.awareness.segments.windows import Ago, Calendar, Dates, Last, SinceEvent, Window
from antiphon.awareness.segments.zones import zone_names


def check_event(node: EventCondition, path: str) -> None:
    """Refuse a condition on the events of one name that cannot be evaluated."""
    event_name(node.name, f"{path}.name")
    _filters(node.where, f"{path}.where")
    if node.measure == "count":
        if node.property is not None:
            raise refuse("count takes no property", f"{path}.property")
    elif node.property is None:
        raise refuse(f"{node.measure} needs a property", f"{path}.property")
    else:
        try:
            check_path(node.property, f"{path}.property")
        except BadFilter as wrong:
            raise refuse(wrong.rule, wrong.field) from None
    if node.op in ("did", "did_not"):
        if node.measure != "count":
            raise refuse(f"compare the {node.measure} with a value", f"{path}.op")
        if node.value is not None or node.high is not None:
            raise refuse(f"{node.op} takes no value", f"{path}.value")
    else:
        numeric(node.value, f"{path}.value")
        if node.op == "between":
            numeric(node.high, f"{path}.high")
        elif node.high is not None:
            raise refuse("only between takes high", f"{path}.high")
    check_window(node.window, f"{path}.window")


def check_time(node: EventTime, path: str) -> None:
    """Refuse a condition on a first or last time that cannot be evaluated."""
    event_name(node.name, f"{path}.name")
    _filters(node.where, f"{path}.where")
    check_window(node.window, f"{path}.window")


def check_engagement(node: Engagement, path: str, around: Surroundings) -> None:
    """Refuse engagement on a channel there is not, or compared with nothing."""
    if node.channel not in around.channels:
        raise refuse(f"there is no channel {node.channel[:100]!r}", f"{path}.channel")
    check_event(as_event(node), path)


def check_sequence(node: Sequence, path: str) -> None:
    """Refuse a sequence whose steps cannot follow each other."""
    if not 2 <= len(node.steps) <= MAX_STEPS:
        raise refuse(f"a sequence has 2 to {MAX_STEPS} steps", f"{path}.steps")
    first = node.steps[0]
    if first.absent:
        raise refuse("the first step is something done", f"{path}.steps[0].absent")
    for name, gap in (("at_least", first.at_least), ("at_most", first.at_most)):
        if gap is not None:
            raise refuse("the first step follows nothing", f"{path}.steps[0].{name}")
    for i, step in enumerate(node.steps):
        _step(step, f"{path}.steps[{i}]")
    check_window(node.window, f"{path}.window")
    span(node.at_most, f"{path}.at_most", least=1)


def _step(step: Step, path: str) -> None:
    event_name(step.name, f"{path}.name")
    _filters(step.where, f"{path}.where")
    least = span(step.at_least, f"{path}.at_least")
    most = span(step.at_most, f"{path}.at_most", least=1)
    if step.absent and least is not None:
        raise refuse("what must not happen takes at_most alone", f"{path}.at_least")
    if least is not None and most is not None and least > most:
        raise refuse("at_least is more than at_most", f"{path}.at_least")


def _filters(where: Ordered[PropertyFilter], path: str) -> None:
    if len(where) > MOST_FILTERS:
        raise refuse(f"at most {MOST_FILTERS} conditions on properties", path)
    try:
        for i, one in enumerate(where):
            check_filter(one, f"{path}[{i}]")
    except BadFilter as wrong:
        raise refuse(wrong.rule, wrong.field) from None


def check_window(window: Window | None, path: str) -> None:
    """Refuse a window that is absurd, or never has anything in it."""
    match window:
        case None:
            pass
        case Last(amount=amount, unit=unit):
            length(amount, unit, path)
        case Ago(begin=begin, end=end):
            earlier, later = span(begin, f"{path}.begin"), span(end, f"{path}.end")
            if earlier is None and later is None:
                raise refuse("give begin, end or both", f"{path}.begin")
            if earlier is not None and (not earlier or (later is not None and earlier <= later)):
                raise refuse("must be longer ago than the window's end", f"{path}.begin")
        case Dates(since=since, until=until):
            sane(since, f"{path}.since")
            sane(until, f"{path}.until")
        case Calendar(zone=zone):
            if zone not in zone_names():
                raise refuse("must be the IANA name of a time zone, such as Europe/Madrid", f"{path}.zone")
        case SinceEvent(name=name, where=where):
            event_name(name, f"{path}.name")
            _filters(where, f"{path}.where")
        case _:
            assert_never(window)
