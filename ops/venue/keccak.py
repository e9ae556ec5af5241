"""Keccak-256, as Ethereum uses it, for the mixed case of wallet addresses.

Not SHA3-256 of the standard library: the padding differs.
"""

from __future__ import annotations

from typing import Final

_MASK: Final = (1 << 64) - 1
_RATE: Final = 136
_ROUNDS: Final = 24


def _round_constants() -> list[int]:
    constants, state = [], 1
    for _ in range(_ROUNDS):
        constant = 0
        for power in range(7):
            if state & 1:
                constant |= 1 << ((1 << power) - 1)
            state = (state << 1) ^ (0x171 if state & 0x80 else 0)
        constants.append(constant)
    return constants


def _lane_moves() -> list[tuple[int, int, int]]:
    """Return (from, to, rotation) of every lane but the first, by the walk that defines rho and pi."""
    moves, x, y = [], 1, 0
    for step in range(24):
        source = x + 5 * y
        x, y = y, (2 * x + 3 * y) % 5
        moves.append((source, x + 5 * y, (step + 1) * (step + 2) // 2 % 64))
    return moves


_CONSTANTS: Final = _round_constants()
_MOVES: Final = _lane_moves()


def keccak256(data: bytes) -> bytes:
    """Return the digest of the data."""
    padded = data + b"\x01" + b"\x00" * ((-len(data) - 1) % _RATE)
    padded = padded[:-1] + bytes([padded[-1] | 0x80])
    lanes = [0] * 25
    for start in range(0, len(padded), _RATE):
        for index in range(_RATE // 8):
            lanes[index] ^= int.from_bytes(padded[start + 8 * index : start + 8 * index + 8], "little")
        lanes = _permute(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])


def checksummed(address: str) -> str:
    """Return the address in the mixed case that EIP-55 gives it."""
    digits = address[2:].lower()
    digest = keccak256(digits.encode()).hex()
    return "0x" + "".join(
        digit.upper() if int(nibble, 16) >= 8 else digit
        for digit, nibble in zip(digits, digest, strict=False)
    )


def _permute(a: list[int]) -> list[int]:
    for constant in _CONSTANTS:
        columns = [a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20] for x in range(5)]
        for x in range(5):
            after = columns[(x + 1) % 5]
            mix = columns[x - 1] ^ ((after << 1 | after >> 63) & _MASK)
            for y in range(0, 25, 5):
                a[x + y] ^= mix
        b = [a[0]] * 25
        for source, target, turn in _MOVES:
            lane = a[source]
            b[target] = (lane << turn | lane >> (64 - turn)) & _MASK
        a = [b[i] ^ (~b[i - i % 5 + (i + 1) % 5] & b[i - i % 5 + (i + 2) % 5] & _MASK) for i in range(25)]
        a[0] ^= constant
    return a
