"""Tapes: what the local venue plays, and importers that make them out of other people's recordings."""

from ops.tape.errors import ImportFailed
from ops.tape.leader_fills import import_leader_fills
from ops.tape.registry import IMPORTERS, find_importer
from ops.tape.summary import ImportSummary

__all__ = ["IMPORTERS", "ImportFailed", "ImportSummary", "find_importer", "import_leader_fills"]
