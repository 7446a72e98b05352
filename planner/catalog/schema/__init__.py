"""Schemas of the records under ``hardware/``, one module each."""
