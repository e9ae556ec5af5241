"""What goes wrong on demand: the typed spec, and its application to sockets and to HTTP answers."""
