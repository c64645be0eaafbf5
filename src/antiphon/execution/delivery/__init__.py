"""The one door out: everything that is said to anybody passes this room's gate and ends as a row of its ledger.

Owns ``dispatch`` (what is said and how), ``delivery`` (the ledger: one row for each intent, with its state and reason),
``delivery_queue`` (what is still to be said), ``delivery_settle`` (what may still bounce), ``engagement`` (opens and clicks, and
who did them), ``provider_message``, ``signal_waiting``, ``signal_heard`` and ``callback_refused`` (what is heard back). Rooms
above hand in intents by `open_dispatch` and `submit`; nothing else speaks through a channel. Who wrote to us is told by the
notice `Replied`.

Where to look. **Out**: `service` (what rooms above call), `gate` (who may be written to), `store` (dispatches and the queue);
`sender`, `dealing`, `lanes`, `voice` and `writer` (claimed, shared out, spoken, written); `accounts`, `routing`, `terms` and
`pace` (through which account, how fast); `budgets` (the gate's purse), `chains` and `watching` (the next hop), `verifications`
and `codes`. **Back**: `callbacks`, `bounces`, `listeners` and `public` (where news comes in); `signals` makes `heard` of it,
`hearing` writes it down with `matching` (the ledger's rows) and `effects` (consents, suppressions), `waiting` keeps what came too
early; `machines`, `engagement` and `reclassifying` tell people from machines; `settling`. **People**: `ledger` and `reasons`
(reading), `resending`, `steering`, `withholding`, `budgets_service`. `notices` answers other rooms' notices by a message.
"""

from antiphon.execution.delivery.budgets_service import add as add_budget
from antiphon.execution.delivery.costs import expected_micros
from antiphon.execution.delivery.errors import DeliveryUnknown, NoAccount
from antiphon.execution.delivery.heard import Replied, spoken
from antiphon.execution.delivery.ledger import forget_content
from antiphon.execution.delivery.model import (
    CLASSES,
    Content,
    Dispatch,
    DispatchState,
    Hop,
    Intents,
    MessageClass,
    MessageClassName,
    NewDispatch,
    State,
    Verdict,
)
from antiphon.execution.delivery.pacing import expected_pace
from antiphon.execution.delivery.reaching import clocks, reachable
from antiphon.execution.delivery.reasons import REASONS, Reason, explain
from antiphon.execution.delivery.rules.paths import read_paths, usual_path
from antiphon.execution.delivery.service import (
    CHUNK,
    Handed,
    chunks,
    default_account,
    default_channel,
    estimate,
    find_dispatches,
    hold,
    is_waiting,
    open_dispatch,
    send_test,
    submit,
    submit_all,
    submit_one,
    submit_told,
)
from antiphon.execution.delivery.wayfinding import way_of
from antiphon.execution.delivery.withholding import call_off, withhold

__all__ = [
    "CHUNK",
    "CLASSES",
    "REASONS",
    "Content",
    "DeliveryUnknown",
    "Dispatch",
    "DispatchState",
    "Handed",
    "Hop",
    "Intents",
    "MessageClass",
    "MessageClassName",
    "NewDispatch",
    "NoAccount",
    "Reason",
    "Replied",
    "State",
    "Verdict",
    "add_budget",
    "call_off",
    "chunks",
    "clocks",
    "default_account",
    "default_channel",
    "estimate",
    "expected_micros",
    "expected_pace",
    "explain",
    "find_dispatches",
    "forget_content",
    "hold",
    "is_waiting",
    "open_dispatch",
    "reachable",
    "read_paths",
    "send_test",
    "spoken",
    "submit",
    "submit_all",
    "submit_one",
    "submit_told",
    "usual_path",
    "way_of",
    "withhold",
]  # fmt: skip
