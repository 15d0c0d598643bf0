"""A device's asynchronous jobs, from submission until C has given their tickets back.

A job in flight keeps its ticket, and with it the arrays that C reads and writes, whether or not the
caller does.  A C ticket is given back once its job has ended and no Python object refers to it, or
when the device is closed: then no thread can still be asking it.
"""

from __future__ import annotations

import itertools
from collections import deque
from typing import Any, Protocol

from driver.library import ffi, lib

__all__ = ["Flight", "Flights"]


class Flight(Protocol):
    """What lands: a ticket."""

    def land(self, timeout_ns: int) -> bool:
        """Wait, and keep the outcome if the job has ended: whether it has."""


class Flights:
    """The jobs in flight, in the order of submission, and the C tickets that are not given back.

    All of it is done by single operations on built-in containers, which threads and signals can't
    come between; no lock is held that a finaliser might need.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._in_flight: dict[int, Flight] = {}
        self._cells: dict[int, Any] = {}
        self._spent: deque[int] = deque()

    def __len__(self) -> int:
        return len(self._in_flight)

    def start(self, flight: Flight) -> tuple[int, Any]:
        """A number for a job about to be submitted, and an ``odev_ticket **`` for its ticket.

        The device must be open: tickets that are done with are given back.
        """
        while self._spent:
            self._give_back(self._spent.popleft())
        number = next(self._numbers)
        cell = ffi.new("odev_ticket **")
        self._cells[number] = cell
        self._in_flight[number] = flight
        return number, cell

    def landed(self, number: int) -> None:
        """The job has ended, or was never submitted: its arrays are the caller's alone."""
        self._in_flight.pop(number, None)

    def spent(self, number: int) -> None:
        """Nothing refers to the ticket any more; safe in finalisers."""
        self._spent.append(number)

    def sweep(self) -> None:
        """Let go of the first jobs if they have ended, though nobody waits for them."""
        for flight in list(self._in_flight.values()):
            if not flight.land(0):
                break

    def land_all(self) -> None:
        """Wait until every submitted job has ended."""
        for number, flight in list(self._in_flight.items()):
            cell = self._cells.get(number)  # None: landed and given back meanwhile
            while cell is not None and cell[0] != ffi.NULL and not flight.land(WAIT_NS):
                pass

    def clear(self) -> None:
        """Give back every ticket.  All must have landed, and nobody may be asking them."""
        for number in list(self._cells):
            self._give_back(number)

    def _give_back(self, number: int) -> None:
        cell = self._cells.pop(number, None)
        if cell is not None and cell[0] != ffi.NULL:
            lib.odev_wait(cell[0], 0, ffi.NULL)


WAIT_NS = 50_000_000
"""Between two looks for signals while waiting [ns]: Python's handlers run between calls into C."""
