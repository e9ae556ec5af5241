"""The edge where leaders' trades come in: trade-stream sockets, the Data API poller, and their supervisor."""
