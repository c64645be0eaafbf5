"""What can be wrong with what is asked of a journey's definition."""

from __future__ import annotations

from antiphon.foundation.errors import Conflict, Forbidden, Invalid, NotFound


class JourneyUnknown(NotFound):
    """There is no journey {journey}."""

    code = "journey-unknown"


class JourneyVersionUnknown(NotFound):
    """The journey has no version {version}."""

    code = "journey-version-unknown"


class JourneyStateConflict(Conflict):
    """A journey that is {what} cannot be asked to {verb}."""

    code = "journey-state-conflict"


class DraftChanged(Conflict):
    """Somebody else has changed the draft meanwhile: it is at revision {revision}. Read it again before you save."""

    code = "journey-draft-changed"


class JourneyInvalid(Invalid):
    """The journey cannot go live: {count} errors, the first of them: {first}"""

    code = "journey-invalid"


class StepMapLosesPeople(Conflict):
    """The step map says nothing of steps where people are: {steps}. Say for each where they go, or that they leave (null)."""

    code = "step-map-loses-people"


class StepMapInvalid(Invalid):
    """The step map names {step}, which is no step of the version it should lead to."""

    code = "step-map-invalid"


class EntriesRefused(Conflict):
    """This journey lets nobody in over the API; give it such an entry."""

    code = "journey-entries-refused"


class EntryInvalid(Invalid):
    """The entry cannot be taken: {why}."""

    code = "journey-entry-invalid"


class JourneyApprovalNeeded(Conflict):
    """This draft goes live only once somebody else has approved it."""

    code = "journey-approval-needed"


class JourneyApprovalMissing(Conflict):
    """Nobody asks for approval of this draft."""

    code = "journey-approval-missing"


class OwnJourney(Forbidden):
    """Who wrote any of a draft cannot approve it."""

    code = "journey-own-approval"


class RefusalWithoutReason(Invalid):
    """A refusal says why."""

    code = "journey-refusal-without-reason"


class NobodyToPutBack(NotFound):
    """They were not taken out of this journey within the last day, or are back already."""

    code = "journey-nobody-to-put-back"


class PutBackRefused(Conflict):
    """They cannot be put back: {why}."""

    code = "journey-put-back-refused"


class PeopleInside(Conflict):
    """{people} people are still in this journey; finish it first."""

    code = "journey-people-inside"


class NotRehearsable(Invalid):
    """The draft cannot be rehearsed: {count} errors, the first of them: {first}"""

    code = "journey-not-rehearsable"


class RehearsalUnknown(NotFound):
    """There is no rehearsal {rehearsal} of this journey."""

    code = "rehearsal-unknown"


class RehearsalTooLarge(Invalid):
    """People meet in this journey (a gate, a limit, a budget) and are rehearsed together: ask for a sample of at most {most}."""

    code = "rehearsal-too-large"
