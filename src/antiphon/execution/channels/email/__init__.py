"""E-mail: messages as MIME, signed (DKIM), spoken over SMTP; bounces, complaints and answers read back from mail.

Owns no tables. Everything that knows an e-mail protocol is here: the SMTP client, the MIME writer, the reader of delivery
status notifications (RFC 3464), abuse reports (RFC 5965) and customers' letters, the LMTP/SMTP listener and the IMAP reader they
arrive by. `api` is what the providers that are spoken to over HTTP have in common.
"""

from antiphon.execution.channels.email.channel import EmailChannel
from antiphon.execution.channels.email.files import File
from antiphon.execution.channels.email.inbound import Receiver, listen
from antiphon.execution.channels.email.letters import ROLES
from antiphon.execution.channels.email.mailbox import Letter, MailboxFailed, Reader
from antiphon.execution.channels.email.settings import EmailSettings

__all__ = ["ROLES", "EmailChannel", "EmailSettings", "File", "Letter", "MailboxFailed", "Reader", "Receiver", "listen"]
