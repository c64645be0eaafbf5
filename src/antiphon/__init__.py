"""Antiphon: one continuing dialogue with each customer."""

__version__ = "0.1.0"
