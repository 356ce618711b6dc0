"""Where scenarios run and how many at once: opens the target, picks the clock, counts verdicts."""
