"""Leased ports are nobody else's while they are leased."""

from __future__ import annotations

import socket

import pytest

from pipeline.local import ports
from pipeline.local.errors import LocalError
from pipeline.local.ports import HOST, PORTS, PortLease


@pytest.fixture
def only_one_port(monkeypatch: pytest.MonkeyPatch) -> int:
    """All the range there is: one port that is free now."""
    lease = PortLease()
    lease.release()
    monkeypatch.setattr(ports, "PORTS", range(lease.port, lease.port + 1))
    monkeypatch.setattr(ports, "_ATTEMPTS", 1)
    return lease.port


def test_ports_are_below_those_of_clients() -> None:
    lease = PortLease()
    assert lease.port in PORTS
    assert PORTS.stop <= 32_768
    lease.release()


def test_a_leased_port_is_not_leased_again_until_it_is_released(only_one_port: int) -> None:
    lease = PortLease()
    with pytest.raises(LocalError, match=str(only_one_port)):
        PortLease()
    lease.release()
    again = PortLease()
    assert again.port == only_one_port
    again.release()


def test_a_port_that_somebody_listens_on_is_not_leased(only_one_port: int) -> None:
    with socket.create_server((HOST, only_one_port)), pytest.raises(LocalError):
        PortLease()
