"""One actor per market: its breaker, its price guards, its depth; woken by the first proposal."""
