"""The catalog: cited records in YAML, read strictly."""
