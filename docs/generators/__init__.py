"""The blocks that `docs/generate.py` fills pages with."""
