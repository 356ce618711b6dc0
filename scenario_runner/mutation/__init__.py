"""Mutation testing of scenarios: which wrong behaviours of the mock they would notice."""
