"""The sandbox: try Antiphon on simulated customers and a local mail server before your real ones.

`email/` is a real SMTP server, `sms/` an SMSC and an HTTP gateway, with faults at chosen rates and append-only logs on
disk; `population/` are the customers of a telecom operator, who reach Antiphon as the world does: by its public HTTP
endpoints and by mail. It imports no room.
"""
