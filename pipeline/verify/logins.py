"""When what librdkafka tells of its attempts to reach a broker means that the login was refused."""

from __future__ import annotations

import time
from collections.abc import Callable

from confluent_kafka import KafkaError

REFUSED = frozenset((KafkaError._AUTHENTICATION, KafkaError._SSL, KafkaError.SASL_AUTHENTICATION_FAILED))
REFUSED_FOR_S = 2.0
"""Time for the next attempts: librdkafka connects anew after 0.1 s, then a little later each time."""
COORDINATOR = "GroupCoordinator"
"""librdkafka's name for its connection to the coordinator of a group that is never joined here."""


class LoginWatch:
    """What became of a client's last attempt to reach a broker; `note` is its error_cb.

    A connection that breaks off during the login has the code of a refused one in librdkafka, also where librdkafka
    itself gives it up (the group's coordinator has moved, the client closes). So one refusal proves nothing: it counts
    once it has stood for REFUSED_FOR_S without an answer, and nothing is raised from the callback, which may run
    inside any call.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._refused_since: float | None = None
        self.last_error = ""

    def note(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN or error.str().startswith(COORDINATOR):
            return  # the one says nothing about why, the other does not matter
        self.last_error = error.str()
        if error.code() not in REFUSED:
            self._refused_since = None
        elif self._refused_since is None:
            self._refused_since = self._clock()

    def answered(self) -> None:
        """A broker has answered: what was refused before does not count."""
        self._refused_since = None

    def is_refused(self) -> bool:
        """Asked by who still waits for an answer."""
        return self._refused_since is not None and self._clock() - self._refused_since >= REFUSED_FOR_S
