"""What the venue can be fed from: a tape, or the seeded generator."""
