"""Run call-parking scenarios written in YAML against a real or a mock PBX."""
