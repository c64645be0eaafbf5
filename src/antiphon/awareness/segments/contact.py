"""Consent, and whether somebody may be written to: read from the tables of consent and profiles, in PostgreSQL."""

from typing import assert_never

from antiphon.awareness.events.properties import literal
from antiphon.awareness.segments.kinds import ConsentIs, Reachable
from antiphon.awareness.segments.model import Surroundings
from antiphon.awareness.segments.person import Person
from antiphon.awareness.segments.scans import Tables


def contact_sql(node: ConsentIs | Reachable, around: Surroundings, tables: Tables) -> str:
    """Return the people the condition holds for; of ``unknown``, those who did say something."""
    match node:
        case ConsentIs():
            asked = _said(node.channel, node.topic, None if node.state == "unknown" else node.state)
        case Reachable(channel=channel, topic=topic):
            asked = (
                "select y.profile_id from (select distinct on (profile_id) profile_id, value from identity "
                f"where kind = {literal(around.channels[channel])} order by profile_id, created_at desc, value) y "
                f"where not exists (select 1 from suppression s where s.channel = {literal(channel)} and s.address = y.value)"
            )
            if around.digest_key:
                asked += f" and {_not_veiled(channel, around.digest_key)}"
            if topic is not None:
                asked += f" and y.profile_id in ({_said(channel, topic, 'granted')})"
        case _:
            assert_never(node)
    return f"select profile_id::uinteger as profile_id from {tables.postgres(asked)}"


def contact_holds(node: ConsentIs | Reachable, person: Person) -> tuple[bool, str | None]:
    """Return whether the condition holds for one person, and what was found: their word, or why they cannot be reached."""
    match node:
        case ConsentIs():
            state = person.consents.get((node.channel, node.topic), "unknown")
            return state == node.state, state
        case Reachable(channel=channel, topic=topic):
            state = "granted" if topic is None else person.consents.get((channel, topic), "unknown")
            if channel not in person.addresses:
                return False, "no address"
            if channel in person.suppressed:
                return False, "suppressed"
            return state == "granted", person.addresses[channel] if state == "granted" else f"consent {state}"
        case _:
            assert_never(node)


def _not_veiled(channel: str, key: bytes) -> str:
    """Return that an address is not that of somebody suppressed and then erased; mostly there is none, and none is digested."""
    listed = f"select 1 from suppression_digest z where z.channel = {literal(channel)}"
    digest = f"sha256('\\x{key.hex()}'::bytea || convert_to(y.value, 'UTF8'))"
    return f"(not exists ({listed}) or not exists ({listed} and z.digest = {digest}))"


def _said(channel: str, topic: str, state: str | None) -> str:
    asked = f"select profile_id from consent_state where channel = {literal(channel)} and topic = {literal(topic)}"
    return asked if state is None else f"{asked} and state = {literal(state)}"
