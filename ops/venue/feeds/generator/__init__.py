"""A seeded platform: markets, wallets, books and trades that look like the recorded ones.

Same configuration, same sequence, digit for digit; only the moment it is played differs.
"""

from ops.venue.feeds.generator.feed import GeneratorFeed

__all__ = ["GeneratorFeed"]
