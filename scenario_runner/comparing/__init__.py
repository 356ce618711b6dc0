"""Runs the same scenarios on two targets and says, step by step, where the two differ."""
