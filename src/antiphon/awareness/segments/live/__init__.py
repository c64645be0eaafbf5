"""Segments kept true from second to second, by looking only at the people something happened to.

The process that holds a segment's lease keeps what deciding it takes: the members of each of its conditions, and of
the events they look at the few columns they look at (`strands`). A tick reads what came in, finds whom it touches and
whose windows ran out, decides those people anew, and stores the difference with its events. All of it follows from the
stores and is made anew when it is lost.
"""

LIVE = "segments.live"
"""The loop that follows them."""
