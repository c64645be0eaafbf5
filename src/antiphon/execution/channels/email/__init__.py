"""E-mail: messages as MIME, spoken over SMTP; bounces and complaints read back from mail.

Owns no tables. Everything that knows an e-mail protocol is here: the SMTP client, the MIME writer, the reader of delivery
status notifications (RFC 3464) and abuse reports (RFC 5965), the LMTP/SMTP listener and the IMAP reader they arrive by.
"""

from antiphon.execution.channels.email.channel import EmailChannel
from antiphon.execution.channels.email.inbound import Receiver, listen
from antiphon.execution.channels.email.mailbox import Letter, MailboxFailed, Reader
from antiphon.execution.channels.email.settings import EmailSettings

__all__ = ["EmailChannel", "EmailSettings", "Letter", "MailboxFailed", "Reader", "Receiver", "listen"]
