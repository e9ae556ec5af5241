"""The one way in which an import ends badly."""

from __future__ import annotations


class ImportFailed(Exception):
    """A source cannot become a tape; the text says which file and line, and what was expected.

    No tape is left behind.
    """
