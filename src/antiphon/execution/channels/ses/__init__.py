"""Amazon SES, a provider of the channel "email": its API v2 to send, notifications of SNS to hear.

Owns no tables. Requests are signed by `sigv4` (Signature Version 4); news is believed when SNS signed it for our own topic.
"""

from antiphon.execution.channels.ses.provider import Ses, SesSettings

__all__ = ["Ses", "SesSettings"]
