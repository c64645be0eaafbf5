"""Static lists: segments whose members are put in by hand."""

from collections.abc import Sequence
from datetime import timedelta

from pyroaring import BitMap

from antiphon.awareness.profiles import normal_identity, normal_kind, owners
from antiphon.awareness.segments import store
from antiphon.awareness.segments.errors import IdentityWanted, NotStatic, SegmentArchived
from antiphon.awareness.segments.membership import members, store_members
from antiphon.awareness.segments.store import SegmentRow
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.principal import Principal


async def list_members(
    ctx: Context, who: Principal, segment_id: int, *, add: Sequence[int], remove: Sequence[int], replace: bool
) -> tuple[SegmentRow, int]:
    """Change a static list: profiles to add and to remove, or to have alone. Ids that are nobody's are counted, not kept.

    Raises NotStatic, SegmentArchived or SegmentNotFound.
    """
    async with ctx.db.transaction() as conn:
        row = await store.hold_segment(conn, segment_id)
        if row.kind != "static":
            raise NotStatic
        if row.state == "archived":
            raise SegmentArchived
        real = await store.existing_profiles(conn, add)
        before = await members(conn, segment_id)
        await audit(
            conn, who, action="segments.list", subject=f"segment:{segment_id}",
            after={"added": len(real), "removed": len(remove), "replaced": replace},
        )  # fmt: skip
    people = BitMap(real) if replace else (before | BitMap(real)) - BitMap(remove)
    row = await store_members(ctx, row, people, ctx.clock.now(), took_ms=0, pause=timedelta(days=1))
    return row, len(set(add)) - len(real)


async def whose(ctx: Context, kind: str, values: Sequence[str]) -> dict[str, int]:
    """Whose identities of a kind are, as they were given; those of nobody are absent. Raises IdentityWanted for no kind."""
    spelled = normal_kind(kind)
    if spelled is None:
        raise IdentityWanted(field="named.kind")
    meant = {value: one for value in values if (one := normal_identity(spelled, value)) is not None}
    async with ctx.db.connection() as conn:
        found = await owners(conn, sorted(set(meant.values())))
    return {value: found[one] for value, one in meant.items() if one in found}
