"""The actors: a folder for each kind, its behaviour beside its own pure modules and its own IO."""
