"""Trade-stream frames for benches: a platform's worth of wallets, some of them leaders, made from a seed."""

from __future__ import annotations

import json
from random import Random
from typing import Final

LEADER_EVERY: Final = 20
"""One frame in so many is a leader's."""


def wallets(count: int, seed: int) -> list[str]:
    """Return distinct wallets."""
    random = Random(seed)
    return [f"0x{random.getrandbits(160):040x}" for _ in range(count)]


def frames(count: int, leaders: list[str], markets: int, seed: int, now_s: int) -> list[bytes]:
    """Return `count` frames as the trade stream sends them, about 800 bytes each, all of this second."""
    random = Random(seed)
    others = wallets(5_000, seed + 1)
    conditions = [f"0x{random.getrandbits(256):064x}" for _ in range(markets)]
    tokens = [(str(random.getrandbits(250)), str(random.getrandbits(250))) for _ in range(markets)]
    made = []
    for number in range(count):
        market = random.randrange(markets)
        outcome = random.randrange(2)
        wallet = random.choice(leaders if number % LEADER_EVERY == 0 else others)
        payload = {
            "bio": "",
            "conditionId": conditions[market],
            "eventSlug": f"event-{market}",
            "icon": f"https://images.example.org/{market}.png",
            "profileImage": "",
            "side": random.choice(("BUY", "SELL")),
            "slug": f"market-{market}",
            "timestamp": now_s,
            "title": f"Will number {market} come up?",
            "asset": tokens[market][outcome],
            "name": f"trader-{number % 997}",
            "outcome": ("Yes", "No")[outcome],
            "outcomeIndex": outcome,
            "price": random.randrange(1, 100) / 100,
            "proxyWallet": wallet,
            "pseudonym": "Patient-Barnacle",
            "size": random.randrange(100, 200_000) / 100,
            "transactionHash": f"0x{random.getrandbits(256):064x}",
        }
        frame = {
            "connection_id": "bench",
            "topic": "activity",
            "type": "trades",
            "timestamp": now_s * 1000 + number % 1000,
            "payload": payload,
        }
        made.append(json.dumps(frame, separators=(",", ":")).encode())
    return made
