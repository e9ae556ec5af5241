"""The demo: the local venue and the daemon against it, as two processes, in paper mode, offline."""
