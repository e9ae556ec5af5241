"""Market data: the only code that asks Gamma and CLOB for markets, books and resolutions."""
