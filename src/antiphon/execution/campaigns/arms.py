"""Several ways of saying one thing, tried beside each other: the arms of a campaign, and how one of them is chosen. Pure.

Which arm somebody is in is a keyed hash of the campaign and the person, as in any experiment: nothing is stored, and whoever is
told again is told by the same arm. Once an arm has won, it is everybody's who has not been decided on yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from antiphon.decisioning.experiments import arms_of, fractions_of
from antiphon.foundation.errors import Conflict, Invalid

MOST_ARMS = 5
Metric = Literal["opened", "clicked", "replied", "converted"]
Reason = Literal["person", "better", "leading", "first"]
Ref = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]


class ArmsInvalid(Invalid):
    """This cannot be tried: {why}."""

    code = "campaign-arms-invalid"


class ArmUnknown(Invalid):
    """The campaign has no arm {arm}."""

    code = "campaign-arm-unknown"


class ArmChosen(Conflict):
    """The arm {arm} was chosen already."""

    code = "campaign-arm-chosen"


class CampaignArm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way of saying it. What is null is the campaign's own: its template, channel, account. `subject` is put in the place of
    the template's. `weight` is its part of the people, beside the other arms' weights."""

    key: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}$", max_length=40)]
    title: Annotated[str, msgspec.Meta(max_length=200)] = ""
    weight: Annotated[float, msgspec.Meta(gt=0, le=1_000_000)] = 1.0
    template_id: Ref | None = None
    subject: Annotated[str, msgspec.Meta(min_length=1, max_length=500)] | None = None
    channel: Annotated[str, msgspec.Meta(min_length=1, max_length=40)] | None = None
    account_id: Ref | None = None


class ArmChoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one arm is chosen for everybody who has not been told yet.

    `percent` of the audience are tried first, the rest waits (one-off campaigns; 100: nobody waits). What people did counts for
    `after_seconds` from their message on, by `metric`. `by` a person, or by the rule: once `minimum` people of each arm had that
    long, the arm that leads; with `sure` only one that is better than the first beyond chance. `otherwise` is for a rest that
    waits when the rule finds nothing: the arm that leads, the first one, or waiting for a person.
    """

    percent: Annotated[float, msgspec.Meta(ge=1, le=100)] = 100.0
    metric: Metric = "clicked"
    after_seconds: Annotated[int, msgspec.Meta(ge=60, le=30 * 86_400)] = 86_400
    by: Literal["rule", "person"] = "person"
    minimum: Annotated[int, msgspec.Meta(ge=1, le=10**9)] = 100
    sure: bool = False
    otherwise: Literal["leading", "first", "wait"] = "wait"


class ArmWinner(msgspec.Struct, frozen=True, kw_only=True):
    """The arm that everybody else is told by: who chose it (nobody: the rule), when, and why."""

    arm: str
    at: datetime
    by: str | None
    why: Reason


def check_shape(
    arms: Sequence[CampaignArm], choice: ArmChoice | None, *, kind: str, local: bool, opens: bool, clicks: bool, goal: bool
) -> None:
    """Raise ArmsInvalid, naming the field, unless these arms can be tried beside each other."""
    if len(arms) == 1 or len(arms) > MOST_ARMS:
        raise ArmsInvalid(field="arms", why=f"a campaign has no arms, or two to {MOST_ARMS}")
    keys = [arm.key for arm in arms]
    for n, key in enumerate(keys):
        if key in keys[:n]:
            raise ArmsInvalid(field=f"arms[{n}].key", why=f"two arms are called {key}")
    if arms and max(arm.weight for arm in arms) > 10_000 * min(arm.weight for arm in arms):
        raise ArmsInvalid(field="arms", why="no arm may be 10,000 times another's size")
    if choice is None:
        return
    if not arms:
        raise ArmsInvalid(field="arm_choice", why="there are no arms to choose among")
    if choice.percent < 100 and (kind != "one_off" or local):
        raise ArmsInvalid(
            field="arm_choice.percent", why="only a one-off campaign, said at one instant, can try a part of its audience first"
        )
    if (choice.metric == "opened" and not opens) or (choice.metric == "clicked" and not clicks):
        raise ArmsInvalid(field="arm_choice.metric", why=f"it is not followed whether messages are {choice.metric}")
    if choice.metric == "converted" and not goal:
        raise ArmsInvalid(field="arm_choice.metric", why="the campaign has no goal")


def number_of(arms: Sequence[CampaignArm], key: str) -> int:
    """An arm's number. Raises ArmUnknown."""
    for n, arm in enumerate(arms):
        if arm.key == key:
            return n
    raise ArmUnknown(field="arm", arm=key)


def share_out(
    secret: bytes, campaign_id: int, arms: Sequence[CampaignArm], winner: ArmWinner | None, profile_ids: Sequence[int]
) -> NDArray[np.int64]:
    """The number of each person's arm: the winner's once there is one."""
    ids = np.asarray(profile_ids, dtype=np.int64)
    if winner is not None:
        return np.full(len(ids), number_of(arms, winner.arm), dtype=np.int64)
    return arms_of(secret, f"campaign:{campaign_id}:arms", [arm.weight for arm in arms], ids).astype(np.int64)


def tried_first(secret: bytes, campaign_id: int, choice: ArmChoice | None, profile_ids: Sequence[int]) -> NDArray[np.bool_]:
    """Who is told before an arm is chosen."""
    ids = np.asarray(profile_ids, dtype=np.int64)
    if choice is None or choice.percent >= 100:
        return np.ones(len(ids), dtype=np.bool_)
    first: NDArray[np.bool_] = fractions_of(secret, f"campaign:{campaign_id}:tried", ids) < choice.percent / 100
    return first
