"""One actor per portfolio: follows, sizing, caps with reservations, positions as a fold of fills."""
