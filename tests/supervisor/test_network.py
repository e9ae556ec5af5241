"""Hosts, ways and faults of the network in memory."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from supervisor import NotSimulated
from supervisor.simulation import FaultPlan, Simulation
from supervisor.simulation.network import Conditions, Cut, Nameless, Orphan, Refuse, Reset, Slow, Truncate

FAST = Conditions(latency_s=(0.01, 0.01), cut_share=0.0)


class End:
    """A stream that a test reads and writes, and the server's view of it."""

    def __init__(
        self, sim: Simulation, client: str = "localhost", server: str = "venue", port: int = 80
    ) -> None:
        self.sim = sim
        self.heard = bytearray()
        self.gone: list[str] = []
        sim.network.conditions = FAST
        sim.await_(self._connect(client, server, port))

    async def _connect(self, client: str, server: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        end = self

        class Listener(asyncio.Protocol):
            def connection_made(self, transport: Any) -> None:
                end.server = transport

            def data_received(self, data: bytes) -> None:
                end.heard += data

            def connection_lost(self, error: Exception | None) -> None:
                end.gone.append(f"server {type(error).__name__}")

        class Caller(asyncio.Protocol):
            def data_received(self, data: bytes) -> None:
                end.heard += data

            def connection_lost(self, error: Exception | None) -> None:
                end.gone.append(f"client {type(error).__name__}")

        await loop.create_server(Listener, server, port)
        with self.sim.network.running_on(client):
            self.client, _ = await loop.create_connection(Caller, server, port)


def arrives_within(end: End, writer: Any, seconds: float) -> bool:
    before = len(end.heard)
    writer.write(b"x")
    end.sim.advance(seconds)
    return len(end.heard) > before


def test_bytes_arrive_after_the_latency_and_not_before() -> None:
    with Simulation(1) as sim:
        end = End(sim)
        assert not arrives_within(end, end.client, 0.009)
        sim.advance(0.001)
        assert bytes(end.heard) == b"x"


def test_bytes_come_in_pieces_and_together_but_never_out_of_order() -> None:
    with Simulation(1) as sim:
        end = End(sim)
        sim.network.conditions = Conditions(latency_s=(0.0, 0.1), cut_share=0.9)
        before = len(sim.network.trace)
        for number in range(200):
            end.client.write(bytes([number]) * 3)
            sim.advance(0.001)
        sim.advance(1)
        assert end.heard == b"".join(bytes([number]) * 3 for number in range(200))
        sizes = {event.detail for event in sim.network.trace[before:]}
        assert {"1", "2", "3"} <= sizes


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    window_bytes=st.integers(1, 3_000),
    cut_share=st.floats(0, 1),
    faults=st.lists(
        st.one_of(
            st.builds(Cut, at_s=st.floats(0, 20), for_s=st.floats(0, 60), one_way=st.booleans()),
            st.builds(
                Slow,
                at_s=st.floats(0, 20),
                for_s=st.floats(0, 60),
                latency_s=st.floats(0, 5),
                jitter_s=st.floats(0, 5),
                bytes_per_s=st.floats(1_000, 100_000),
            ),
        ),
        max_size=4,
    ),
    steps=st.lists(st.one_of(st.binary(max_size=5_000), st.booleans(), st.floats(0.001, 5)), max_size=20),
)
@example(
    seed=0,
    window_bytes=1,
    cut_share=0.0,
    faults=[Cut(at_s=15.0, for_s=1.0), Cut(at_s=15.0, for_s=1.0)],
    steps=[5.0, 5.0, 5.0, b"x"],
)
def test_no_delay_loses_or_disorders_a_byte(
    seed: int, window_bytes: int, cut_share: float, faults: list[Any], steps: list[Any]
) -> None:
    with Simulation(seed) as sim:
        end = End(sim)
        sim.network.conditions = Conditions(window_bytes=window_bytes, cut_share=cut_share)
        sim.network.play(faults)
        sent = b""
        for step in steps:
            if isinstance(step, bytes):
                end.client.write(step)
                sent += step
            elif isinstance(step, float):
                sim.advance(step)
            elif step:
                end.server.pause_reading()
            else:
                end.server.resume_reading()
            assert sent.startswith(end.heard)
        end.server.resume_reading()
        end.client.close()
        sim.advance(100_000)
        assert end.heard == sent
        assert sorted(end.gone) == ["client NoneType", "server NoneType"]
        assert not sim.network.connections[0].is_open


def test_a_partition_holds_bytes_and_lets_them_go_when_it_heals() -> None:
    with Simulation(1) as sim:
        end = End(sim)
        sim.network.begin(Cut("localhost", "venue"))
        assert not arrives_within(end, end.client, 60)
        assert not arrives_within(end, end.server, 60)
        sim.network.heal()
        sim.advance(120)
        assert bytes(end.heard) == b"xx"
        assert not end.gone
        assert arrives_within(end, end.client, 0.1)


def test_a_fault_that_was_lifted_early_does_not_end_its_like_that_came_after_it() -> None:
    with Simulation(1) as sim:
        end = End(sim)
        sim.network.begin(Cut(for_s=10))
        sim.advance(9)
        sim.network.heal()
        sim.network.begin(Cut(for_s=10))
        assert not arrives_within(end, end.client, 9)
        sim.advance(12)
        assert end.heard == b"x"


def test_a_one_way_cut_holds_one_direction() -> None:
    with Simulation(1) as sim:
        end = End(sim)
        sim.network.begin(Cut("localhost", "venue", one_way=True))
        assert not arrives_within(end, end.client, 1)
        assert arrives_within(end, end.server, 1)
        sim.network.heal()
        sim.network.begin(Cut("venue", "localhost", one_way=True))
        sim.advance(10)
        assert not arrives_within(end, end.server, 1)


def test_a_partition_concerns_its_hosts_alone() -> None:
    with Simulation(1) as sim:
        one, other = End(sim, "a", "x"), End(sim, "b", "y")
        sim.network.begin(Cut("a", "*"))
        assert not arrives_within(one, one.client, 1)
        assert arrives_within(other, other.client, 1)


def test_whoever_hears_no_answer_for_a_quarter_of_an_hour_gives_up_and_the_other_never_learns() -> None:
    with Simulation(1) as sim:
        end = End(sim)
        sim.network.begin(Cut())
        end.client.write(b"anybody?")
        sim.advance(900)
        assert end.gone == []
        sim.advance(100)
        assert end.gone == ["client TimeoutError"]
        sim.network.heal()
        sim.advance(10_000)
        assert end.gone == ["client TimeoutError"]
        assert not arrives_within(end, end.server, 1)
        assert end.gone == ["client TimeoutError", "server ConnectionResetError"]


def test_connecting_into_a_partition_waits_for_its_end_or_gives_up() -> None:
    async def connect(sim: Simulation) -> None:
        await asyncio.get_running_loop().create_connection(asyncio.Protocol, "venue", 80)

    with Simulation(1) as sim:
        End(sim)
        sim.network.begin(Cut(for_s=5))
        sim.await_(connect(sim))
        assert 5 < sim.loop.time() < 10
        sim.network.begin(Cut())
        with pytest.raises(TimeoutError) as caught:
            sim.await_(connect(sim))
        assert caught.value.errno == errno.ETIMEDOUT
        assert 130 < sim.loop.time() < 140


def test_attempts_for_which_there_is_no_room_are_made_again() -> None:
    async def crowd() -> None:
        loop = asyncio.get_running_loop()
        await loop.create_server(asyncio.Protocol, "venue", 80, backlog=1)
        await asyncio.gather(*(loop.create_connection(asyncio.Protocol, "venue", 80) for _ in range(5)))

    with Simulation(1) as sim:
        sim.network.conditions = FAST
        sim.await_(crowd())
        assert sim.loop.time() > 1
        assert len(sim.network.connections) == 5


def test_an_attempt_that_is_given_up_leaves_no_connection_behind() -> None:
    async def connect() -> None:
        async with asyncio.timeout(0.015):  # the server has it, the client has no answer yet
            await asyncio.get_running_loop().create_connection(asyncio.Protocol, "venue", 80)

    with Simulation(1) as sim:
        first = End(sim)
        with pytest.raises(TimeoutError):
            sim.await_(connect())
        sim.advance(1)
        assert [each.is_open for each in sim.network.connections] == [True, False]
        assert first.gone == ["server NoneType"]


@pytest.mark.parametrize(
    ("fault", "gone"),
    [
        (Reset(), ["client ConnectionResetError", "server ConnectionResetError"]),
        (Truncate(), ["client NoneType", "server NoneType"]),
        (Orphan(), []),
    ],
)
def test_what_befalls_a_connection_loses_what_is_on_its_way(fault: Any, gone: list[str]) -> None:
    with Simulation(1) as sim:
        end = End(sim)
        sim.network.play([fault])
        assert not arrives_within(end, end.server, 100)
        assert sorted(end.gone) == gone
        assert not arrives_within(end, end.server, 100)
        again = End(sim, server="elsewhere")
        assert arrives_within(again, again.server, 1)


def test_a_fault_after_bytes_strikes_the_first_connection_that_comes_there() -> None:
    with Simulation(1) as sim:
        idle, busy = End(sim, server="x"), End(sim, server="y")
        sim.network.begin(Truncate(after_bytes=10))
        busy.server.write(bytes(25))
        idle.server.write(bytes(9))
        sim.advance(1)
        assert (len(busy.heard), len(idle.heard)) == (10, 9)
        assert busy.gone
        idle.server.write(bytes(9))
        sim.advance(1)
        assert len(idle.heard) == 18


def test_a_plan_tells_which_of_its_faults_hit_anything() -> None:
    hits = (Truncate(after_bytes=10), Cut(at_s=5, for_s=1), Orphan("localhost", "venue", at_s=9))
    misses = (Reset("elsewhere", "venue", at_s=1), Reset(after_bytes=1_000))
    with Simulation(1, faults=FaultPlan((*hits, *misses))) as sim:
        broken = End(sim)
        broken.server.write(bytes(20))
        sim.advance(8)
        End(sim, server="venue2", client="other")
        End(sim, port=81)
        sim.advance(8)
        assert tuple(each.fault for each in sim.fired) == hits


def test_faults_come_and_go_by_plan() -> None:
    async def attempt() -> str:
        try:
            await asyncio.get_running_loop().create_connection(asyncio.Protocol, "venue", 80)
        except OSError as error:
            return type(error).__name__
        return "connected"

    with Simulation(1) as sim:
        End(sim)
        sim.network.play([Refuse(at_s=10, for_s=10), Nameless("localhost", "venue", at_s=30, for_s=10)])
        seen = []
        for _ in range(5):
            seen.append(sim.await_(attempt()))
            sim.advance(11)
        assert seen == ["connected", "ConnectionRefusedError", "connected", "gaierror", "connected"]


def test_a_slow_way_delays_and_throttles_both_directions() -> None:
    with Simulation(1) as sim:
        end = End(sim)
        sim.network.begin(Slow(latency_s=2, bytes_per_s=100))
        end.client.write(b"x")
        assert not arrives_within(end, end.server, 2.0)
        sim.advance(0.02)
        assert len(end.heard) == 2
        end.client.write(bytes(1_000))
        sim.advance(11.9)
        assert len(end.heard) == 2
        sim.advance(0.2)
        assert len(end.heard) == 1_002


def test_bytes_in_flight_are_bounded() -> None:
    with Simulation(1) as sim:
        end = End(sim)
        sim.network.begin(Cut())
        end.client.write(bytes(10_000_000))
        assert end.client.get_write_buffer_size() == 10_000_000 - FAST.window_bytes


def test_a_host_reaches_itself_by_localhost_and_others_by_name() -> None:
    async def port_of(host: str, name: str, port: int) -> str:
        with sim.network.running_on(host):
            try:
                await asyncio.get_running_loop().create_connection(asyncio.Protocol, name, port)
            except OSError as error:
                return type(error).__name__
            return "connected"

    async def listen() -> None:
        with sim.network.running_on("venue"):
            await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 80)
            await asyncio.get_running_loop().create_server(asyncio.Protocol, None, 81)

    with Simulation(1) as sim:
        sim.await_(listen())
        sim.network.alias("api.venue", "venue")
        assert sim.await_(port_of("venue", "localhost", 80)) == "connected"
        assert sim.await_(port_of("localhost", "localhost", 80)) == "ConnectionRefusedError"
        assert sim.await_(port_of("localhost", "venue", 80)) == "ConnectionRefusedError"
        assert sim.await_(port_of("localhost", "venue", 81)) == "connected"
        assert sim.await_(port_of("localhost", "api.venue", 81)) == "connected"
        with pytest.raises(ValueError, match="a name of 'venue' already"):
            sim.network.alias("api.venue", "elsewhere")
        assert sim.await_(port_of("localhost", "nowhere", 81)) == "gaierror"


def test_addresses_name_both_ends() -> None:
    with Simulation(1) as sim:
        end = End(sim)
        assert end.client.get_extra_info("peername") == end.server.get_extra_info("sockname")
        assert end.client.get_extra_info("sockname") == end.server.get_extra_info("peername")
        assert end.client.get_extra_info("peername")[1] == 80
        assert end.client.get_extra_info("socket").family == socket.AF_INET


def test_the_machines_network_is_out_of_reach() -> None:
    async def attempts() -> list[type[Exception]]:
        loop = asyncio.get_running_loop()
        seen: list[type[Exception]] = []
        with (
            socket.create_server(("127.0.0.1", 0)) as real,
            socket.create_connection(real.getsockname()) as one,
        ):
            for attempt in (
                loop.create_datagram_endpoint(asyncio.DatagramProtocol, ("127.0.0.1", 0)),
                loop.create_unix_server(asyncio.Protocol, "socket"),
                loop.create_unix_connection(asyncio.Protocol, "socket"),
                loop.create_server(asyncio.Protocol, sock=real),
                loop.create_connection(asyncio.Protocol, sock=one),
                loop.subprocess_exec(asyncio.SubprocessProtocol, "true"),
            ):
                try:
                    await attempt
                except NotSimulated as error:
                    seen.append(type(error))
            with pytest.raises(NotSimulated):
                loop.add_reader(real, print)
        return seen

    with Simulation(1) as sim:
        assert len(sim.await_(attempts())) == 6


def test_a_blocking_call_is_done_at_once_in_the_same_thread() -> None:
    async def sums() -> int:
        return await asyncio.to_thread(sum, [1, 2])

    with Simulation(1) as sim:
        assert sim.await_(sums()) == 3
        assert sim.loop.time() == 0


def test_a_task_group_cancels_in_the_order_of_its_tasks() -> None:
    async def cancelled() -> list[int]:
        order: list[int] = []

        async def wait(number: int) -> None:
            try:
                await asyncio.sleep(60)
            finally:
                order.append(number)

        async def fail() -> None:
            await asyncio.sleep(1)
            raise RuntimeError

        with contextlib.suppress(ExceptionGroup):
            async with asyncio.TaskGroup() as group:
                for number in range(50):
                    group.create_task(wait(number))
                group.create_task(fail())
        return order

    with Simulation(1) as sim:
        assert sim.await_(cancelled()) == list(range(50))
