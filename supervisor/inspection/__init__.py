"""Looking into a system and putting a hand on its actors; `inspector` is the one way in."""
