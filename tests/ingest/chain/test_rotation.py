"""Whose turn it is: the next node at once, a pause after each round, rest for who asked for it."""

from __future__ import annotations

from random import Random

from actors.ingest.chain.rotation import Rotation
from supervisor import Backoff

NS = 10**9


def rotation(*urls):
    return Rotation(urls, Backoff(first_s=1, max_s=8, factor=2, jitter=0), Random(1))


def test_another_node_is_asked_at_once_and_all_of_them_after_a_pause():
    nodes = rotation("a", "b")
    waits = [(nodes.failed(0), nodes.url) for _ in range(4)]
    assert waits == [(0, "b"), (1, "a"), (0, "b"), (2, "a")]


def test_a_single_node_is_asked_again_after_growing_pauses():
    nodes = rotation("a")
    assert [nodes.failed(0) for _ in range(6)] == [1, 2, 4, 8, 8, 8]


def test_a_node_that_worked_starts_pauses_anew():
    nodes = rotation("a")
    for _ in range(4):
        nodes.failed(0)
    nodes.worked()
    assert nodes.failed(0) == 1


def test_a_node_that_asked_for_rest_is_passed_over():
    nodes = rotation("a", "b", "c")
    assert (nodes.failed(0, retry_after_s=60), nodes.url) == (0, "b")
    nodes.failed(0)
    assert nodes.url == "c"
    nodes.failed(NS)
    assert nodes.url == "b"


def test_a_single_node_rests_as_long_as_it_asked_within_reason():
    assert rotation("a").failed(5 * NS, retry_after_s=60) == 60
    assert rotation("a").failed(0, retry_after_s=10**9) == 600
