"""Tries random sequences of commands on a PBX, and writes what it answers wrongly as a scenario."""
