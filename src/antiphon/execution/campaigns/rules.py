"""The installation's own rules of campaigns."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

When = Literal["off", "over", "always"]
APPROVERS = ("owner", "marketer", "branch_manager")
"""The roles that may approve; the owner always may."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """When campaigns must be approved by somebody else: `off`, for `over` so many people, or `always`."""

    approval: When = "off"
    approval_over: Annotated[int, msgspec.Meta(ge=0, le=2**40)] = 0
