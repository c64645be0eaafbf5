"""The sandbox: try Antiphon on simulated customers and a local mail server before your real ones.

`email/` is a real SMTP server with faults at chosen rates and an append-only log on disk; `population/` are the customers
of a telecom operator, who reach Antiphon as the world does: by its public HTTP endpoints and by mail. It imports no room.
"""
