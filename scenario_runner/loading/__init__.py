"""Text to frozen scenarios: the only place that sees YAML, JSON Schema and untyped data."""
