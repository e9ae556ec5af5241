"""Plain Thespian actors with Thespian's own semantics, and what Thespian expects of a system base."""
