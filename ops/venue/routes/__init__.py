"""The venue's HTTP surfaces: Gamma, CLOB, Data API v2 and the venue's own control routes."""
