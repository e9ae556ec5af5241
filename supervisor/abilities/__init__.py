"""What an actor can do beyond sending and handling: ask, pipe, set timers, watch."""
