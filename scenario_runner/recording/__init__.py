"""Turns what a client does through a proxy, or what an event log tells, into a scenario file."""
