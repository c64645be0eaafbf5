"""What can be wrong with a segment."""

from antiphon.foundation.errors import Conflict, Invalid, NotFound, Unavailable


class SegmentNotFound(NotFound):
    """There is no segment {id}."""

    code = "segment-not-found"


class InvalidTree(Invalid):
    """The segment's tree breaks a rule."""

    code = "invalid-tree"


class NameTaken(Conflict):
    """Another segment is already called that."""

    code = "segment-name-taken"


class SegmentInUse(Conflict):
    """It is in use by: {names}."""

    code = "segment-in-use"


class SegmentArchived(Conflict):
    """This segment is archived; restore it first."""

    code = "segment-archived"


class NotStatic(Conflict):
    """The members of this segment follow from its conditions; only a static list takes members."""

    code = "segment-not-static"


class NotRule(Conflict):
    """The members of this list are put in by hand; it has no conditions to compare."""

    code = "segment-not-rule"


class VersionNotFound(NotFound):
    """The segment never had a version {version}."""

    code = "segment-version-not-found"


class Superseded(Conflict):
    """Somebody else refreshed or changed this segment meanwhile; nothing was stored."""

    code = "segment-superseded"
    permanent = False


class TooSlow(Unavailable):
    """The answer took longer than {seconds} seconds and was given up; narrow the conditions or their windows."""

    code = "segment-too-slow"


class IdentityWanted(Invalid):
    """Give the kind of an identity and its value, such as `kind=email&value=ann@example.com`."""

    code = "identity-wanted"
