"""One actor per leader wallet: one identity per trade, its own position, the way to the portfolios."""
