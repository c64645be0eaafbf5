"""What campaigns give to the house."""

from __future__ import annotations

from antiphon.execution.campaigns import personal
from antiphon.execution.campaigns.arms_http import ROUTES as ARMS
from antiphon.execution.campaigns.desk import Desk, open_desk
from antiphon.execution.campaigns.forgetting import FORGETTING
from antiphon.execution.campaigns.http import ROUTES
from antiphon.execution.campaigns.loops import LOOPS
from antiphon.execution.campaigns.messages_http import ROUTES as MESSAGES
from antiphon.execution.campaigns.plans_http import ROUTES as PLANS
from antiphon.execution.campaigns.reports_http import ROUTES as REPORTS
from antiphon.foundation.rooms import Resource, Room

ROOM = Room(
    name="campaigns",
    floor="execution",
    routes=(*ROUTES, *PLANS, *REPORTS, *ARMS, *MESSAGES),
    loops=(*LOOPS, FORGETTING),
    permissions={
        "campaigns:read": ("marketer", "analyst", "agent", "branch_manager", "developer"),
        "campaigns:write": ("marketer", "branch_manager"),
        "campaigns:send": ("marketer", "branch_manager"),
        "campaigns:approve": ("marketer", "branch_manager"),
        "messages:send": ("marketer", "developer"),
        "messages:read": ("marketer", "analyst", "agent", "developer"),
    },
    resources=(Resource(Desk, open_desk, frozenset({"api"})),),
    requires=("segments", "delivery"),
    export=personal.export,
    erase=personal.erase,
)
