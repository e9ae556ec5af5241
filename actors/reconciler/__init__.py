"""Expected against actual: portfolios' books held against the venue's account on a cadence."""
