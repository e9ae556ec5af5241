"""How the process itself is doing: its memory, and how late its event loop runs."""
