"""Saying it, and hearing the answer: channels, content, the delivery gate and ledger, campaigns."""
