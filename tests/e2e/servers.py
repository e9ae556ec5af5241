"""Database servers of somebody's own."""

from __future__ import annotations

from pathlib import Path

from actors.store.embedded import EmbeddedServer


class Elsewhere:
    """A Postgres of somebody's own, which the daemon is only told the address of."""

    def __init__(self, place: Path) -> None:
        place.mkdir(mode=0o755)
        self._server = EmbeddedServer(place)
        self.url = self.start()

    def start(self) -> str:
        return self._server.start().replace("/remora?", "/postgres?")

    def stop(self) -> None:
        self._server.release(wait_s=20)
