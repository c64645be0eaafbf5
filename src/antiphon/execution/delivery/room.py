"""What delivery gives to the house."""

from __future__ import annotations

from antiphon.execution.delivery import ledger, reclassifying
from antiphon.execution.delivery.bounces import MAILBOX_LOOP, Postbox, open_postbox
from antiphon.execution.delivery.budgets_http import BUDGET_ROUTES
from antiphon.execution.delivery.callbacks import CALLBACK_ROUTES
from antiphon.execution.delivery.doorway import Doorway, open_doorway
from antiphon.execution.delivery.engagement_http import ENGAGEMENT_ROUTES
from antiphon.execution.delivery.gate import keeping
from antiphon.execution.delivery.hearing import Hearing, open_hearing
from antiphon.execution.delivery.http import ROUTES
from antiphon.execution.delivery.listeners import LISTENING, Ears, open_ears
from antiphon.execution.delivery.loops import LOOPS, open_sender
from antiphon.execution.delivery.notices import LISTENERS
from antiphon.execution.delivery.public import PUBLIC_ROUTES
from antiphon.execution.delivery.reply_files import REPLY_FILE_ROUTES
from antiphon.execution.delivery.resending import JOBS
from antiphon.execution.delivery.resending_http import RESENDING_ROUTES
from antiphon.execution.delivery.rules.http import RULE_ROUTES
from antiphon.execution.delivery.sender import Sender
from antiphon.execution.delivery.steering_http import STEERING_ROUTES
from antiphon.execution.delivery.verifications_http import VERIFICATION_ROUTES
from antiphon.execution.delivery.waiting import FORGETTING, WAITING
from antiphon.foundation.rooms import Resource, Room

ROOM = Room(
    name="delivery",
    floor="execution",
    routes=(
        *ROUTES, *RULE_ROUTES, *STEERING_ROUTES, *BUDGET_ROUTES, *RESENDING_ROUTES, *VERIFICATION_ROUTES, *CALLBACK_ROUTES,
        *ENGAGEMENT_ROUTES, *REPLY_FILE_ROUTES, *PUBLIC_ROUTES,
    ),
    loops=(*LOOPS, MAILBOX_LOOP, WAITING, FORGETTING, LISTENING, keeping.LOOP),
    jobs=(*JOBS, *reclassifying.JOBS),
    listeners=(*LISTENERS, *keeping.LISTENERS),
    permissions={
        "delivery:read": ("marketer", "analyst", "agent", "branch_manager", "developer"),
        "delivery:accounts": ("developer",),
        "delivery:budgets": ("marketer",),
        "delivery:rules": ("marketer",),
        "delivery:export": ("marketer", "analyst"),
        "delivery:reclassify": ("marketer", "analyst"),
        "delivery:resend": ("marketer", "branch_manager", "developer"),
        "verifications:read": ("marketer", "agent", "developer"),
        "verifications:write": ("agent", "developer"),
        "delivery:test": ("marketer", "branch_manager", "developer"),
    },
    resources=(
        Resource(Hearing, open_hearing),
        Resource(Doorway, open_doorway, frozenset({"api"})),
        Resource(Ears, open_ears, frozenset({"worker"})),
        Resource(Sender, open_sender, frozenset({"worker"})),
        Resource(Postbox, open_postbox, frozenset({"worker"})),
    ),
    requires=("channels", "content"),
    export=ledger.export,
    erase=ledger.erase,
    overview=ledger.overview,
)
