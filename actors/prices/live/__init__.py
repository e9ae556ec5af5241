"""Live books: the market WebSocket, sharded over sockets, and the books kept from it."""
