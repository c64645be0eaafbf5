"""Saying it, and hearing the answer."""
