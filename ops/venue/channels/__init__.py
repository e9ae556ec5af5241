"""The venue's WebSockets: the trade stream and the CLOB market channel."""
