"""Scenarios as prose: what a scenario does, told to somebody who has never read one."""
