"""What can go wrong with profiles."""

from __future__ import annotations

from antiphon.foundation.errors import Conflict, Invalid, NotFound


class NoSuchProfile(NotFound):
    """There is no such customer."""


class NoSuchProposal(NotFound):
    """There is no such merge proposal."""


class ProposalDecided(Conflict):
    """That proposal has been decided already."""


class NoSuchMerge(NotFound):
    """That profile was not merged into another."""


class SameProfile(Invalid):
    """Those two are one profile already."""


class ProposalOpen(Conflict):
    """Nobody has decided that proposal yet."""


class NoIdentityToJoin(Conflict):
    """That customer has no identity left by which anything could be joined to them."""


class TooManyIdentities(Conflict):
    """A customer has at most a stated number of identities of a kind; this would be more."""


class NotAnIdentity(Invalid):
    """That value names nobody: it is not spelled as identities of its kind are."""


class IdentityTaken(Conflict):
    """Another customer has that identity. Merge the two, or take it from the other first."""


class MissingIdentity(NotFound):
    """The customer has no such identity."""


class BuiltInKind(Invalid):
    """How a kind that is built in is spelled and heard cannot be changed; its numbers can."""


class TooManyKinds(Conflict):
    """There are as many kinds of identity as there may be."""
