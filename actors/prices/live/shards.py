"""Which socket carries which token. Pure.

A token stays where it is: moving it costs a snapshot. Sockets are opened as they are needed and closed when
they carry nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from messages.ids import TokenId


class Shards:
    """An assignment of tokens to at most `sockets_max` sockets of `tokens_max` tokens each."""

    def __init__(self, sockets_max: int, tokens_max: int) -> None:
        self._tokens_max = tokens_max
        self._tokens: dict[str, dict[TokenId, None]] = {}
        self._names = [f"live-{number}" for number in range(sockets_max)]
        self._home: dict[TokenId, str] = {}

    def __len__(self) -> int:
        return len(self._home)

    def __contains__(self, token_id: TokenId) -> bool:
        return token_id in self._home

    @property
    def capacity(self) -> int:
        """How many tokens there is room for."""
        return len(self._names) * self._tokens_max

    def open(self) -> list[str]:
        """Return the sockets that carry something."""
        return list(self._tokens)

    def of(self, shard: str) -> tuple[TokenId, ...]:
        """Return what a socket carries."""
        return tuple(self._tokens.get(shard, ()))

    def home(self, token_id: TokenId) -> str | None:
        """Return the socket of a token."""
        return self._home.get(token_id)

    def place(self, token_id: TokenId, avoid: str = "") -> str | None:
        """Give a token a socket, the fullest with room, and return it; None if there is room nowhere.

        A token that has one stays there; who wants it elsewhere removes it first.
        """
        if token_id in self._home:
            return self._home[token_id]
        with_room = [
            name for name, tokens in self._tokens.items() if len(tokens) < self._tokens_max and name != avoid
        ]
        if with_room:
            shard = max(with_room, key=lambda name: len(self._tokens[name]))
        else:
            unused = [name for name in self._names if name not in self._tokens and name != avoid]
            if not unused:
                return None
            shard = unused[0]
        self._tokens.setdefault(shard, {})[token_id] = None
        self._home[token_id] = shard
        return shard

    def remove(self, token_id: TokenId) -> str | None:
        """Take a token off its socket and return that; a socket that carries nothing any more is closed."""
        shard = self._home.pop(token_id, None)
        if shard is not None:
            tokens = self._tokens[shard]
            del tokens[token_id]
            if not tokens:
                del self._tokens[shard]
        return shard

    def surplus(self, wanted: Iterable[TokenId]) -> list[TokenId]:
        """Return the tokens that are carried and not wanted."""
        keep = set(wanted)
        return [token_id for token_id in self._home if token_id not in keep]
