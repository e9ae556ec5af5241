"""The chain as a source: leaders' fills from Polygon's logs, in real time."""
