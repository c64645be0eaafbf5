"""The room's background work: segments that are due are worked out together, under the lease of their bucket."""

from datetime import timedelta

from prometheus_client import Gauge

from antiphon.awareness.segments import store
from antiphon.awareness.segments.errors import Superseded
from antiphon.awareness.segments.live.loop import LOOPS as LIVE_LOOPS
from antiphon.awareness.segments.service import LOOP, refresh
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.lake import LakeUnavailable
from antiphon.foundation.leases import Held, LeaseLost
from antiphon.foundation.loops import Loop
from antiphon.foundation.telemetry import get_logger, registry

TOGETHER = 100
_AFTER_FAILURE = timedelta(minutes=1)
log = get_logger(__name__)
_age = Gauge(
    "antiphon_segment_age_seconds", "Business seconds since the members were worked out", ["segment"], registry=registry
)
_size = Gauge("antiphon_segment_members", "Members of a segment", ["segment"], registry=registry)


async def refresh_due(ctx: Context, held: Held) -> bool:
    """Refresh the segments whose time has come; says whether more wait.

    When one of them makes the whole fail, each is tried alone, and only the one at fault waits with its reason shown.
    """
    async with ctx.db.connection() as conn:
        ids = await store.due_segments(conn, held.buckets, TOGETHER)
    if ids:
        try:
            await refresh(ctx, ids, held=held.only([i % 64 for i in ids]))
        except (LeaseLost, Superseded):
            pass
        except LakeUnavailable:  # it is being started: nobody's fault, and soon over
            return False
        except AntiphonError as error:
            if len(ids) == 1:
                await _failed(ctx, ids[0], error)
            else:
                log.warning("segments failed together", segments=len(ids), error=str(error))
                for one in ids:
                    await _alone(ctx, one, held)
    await _tell(ctx, held)
    return len(ids) == TOGETHER


async def _alone(ctx: Context, segment_id: int, held: Held) -> None:
    try:
        await refresh(ctx, [segment_id], held=held.only([segment_id % 64]))
    except (LeaseLost, Superseded):
        pass
    except AntiphonError as error:
        await _failed(ctx, segment_id, error)


async def _failed(ctx: Context, segment_id: int, error: AntiphonError) -> None:
    log.warning("segment not refreshed", segment=segment_id, error=str(error))
    async with ctx.db.connection() as conn:
        await store.failed(conn, [segment_id], str(error), _AFTER_FAILURE)


async def _tell(ctx: Context, held: Held) -> None:
    """Show how fresh each segment is."""
    now = ctx.clock.now()
    async with ctx.db.connection() as conn:
        for segment_id, _, evaluated_at, size in await store.ages(conn, held.buckets):
            if evaluated_at is not None:
                _age.labels(str(segment_id)).set((now - evaluated_at).total_seconds())
                _size.labels(str(segment_id)).set(size)


LOOPS = (Loop(LOOP, refresh_due, interval=2.0, buckets=64), *LIVE_LOOPS)
