"""A process that only runs campaigns, sends and hears: `python -m bench.voices DATABASE_URL DATA_DIR [LEASE_SECONDS]`.

The loops, rooms and resources are the product's own.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import timedelta

import uvloop

from antiphon.awareness.consent.room import ROOM as CONSENT
from antiphon.awareness.events import Journal
from antiphon.awareness.events.journal import open_journal
from antiphon.execution.campaigns.loops import LOOPS as CAMPAIGN_LOOPS
from antiphon.execution.channels.room import ROOM as CHANNELS
from antiphon.execution.content.room import ROOM as CONTENT
from antiphon.execution.delivery.hearing import Hearing, open_hearing
from antiphon.execution.delivery.listeners import LISTENING, Ears, open_ears
from antiphon.execution.delivery.loops import LOOPS, open_sender
from antiphon.execution.delivery.sender import Sender
from antiphon.execution.delivery.waiting import WAITING
from antiphon.foundation.config import Settings
from antiphon.foundation.embedded.parent import follow_parent
from antiphon.foundation.leases import Leases
from antiphon.foundation.loops import LoopRunner
from antiphon.foundation.process import open_context
from antiphon.foundation.rooms import Resource, Room
from antiphon.foundation.telemetry import configure_logs

SENDING = Room(
    name="sending",
    floor="execution",
    resources=(
        Resource(Journal, open_journal, frozenset({"worker", "cli"})),
        Resource(Hearing, open_hearing),
        Resource(Ears, open_ears, frozenset({"worker"})),
        Resource(Sender, open_sender, frozenset({"worker"})),
    ),
)
ROOMS = (CONSENT, CHANNELS, CONTENT, SENDING)
SECRET = "a secret of benchmarks only, 32 bytes long"


async def speak(url: str, data_dir: str, term: float) -> None:
    """Until SIGTERM."""
    settings = Settings(data_dir=data_dir, secret=SECRET, database_url=url, public_url="https://mail.example.com")
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with open_context(settings, "worker", ROOMS, database_url=url, lake_socket="") as ctx:
        leases = Leases(ctx.db, ctx.node, ctx.kind, term=timedelta(seconds=term))
        runner = LoopRunner(ctx, [*LOOPS, LISTENING, WAITING, *CAMPAIGN_LOOPS], leases)
        await runner.start()
        await stop.wait()
        await runner.stop()


if __name__ == "__main__":
    follow_parent(signal.SIGKILL)
    configure_logs("warning")
    uvloop.run(speak(sys.argv[1], sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else 15.0))
