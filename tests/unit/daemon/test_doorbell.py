"""The pause of the main thread: ended by every signal, also by one that came a moment before it began."""

import os
import signal
import threading
import time

import pytest

from hybridd.daemon.doorbell import Doorbell

LONG = 20.0


@pytest.fixture
def heard():
    """The signals that the handler has heard of."""
    numbers = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: numbers.append(number))
    yield numbers
    signal.signal(signal.SIGUSR1, before)


def test_a_signal_ends_the_pause_after_its_handler_has_run(heard):
    with Doorbell() as bell:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        began = time.monotonic()
        bell.wait(LONG)
        assert time.monotonic() - began < LONG / 2
        assert heard == [signal.SIGUSR1]


def test_a_signal_that_came_before_the_pause_ends_it_and_not_the_next_one(heard):
    with Doorbell() as bell:
        os.kill(os.getpid(), signal.SIGUSR1)
        began = time.monotonic()
        bell.wait(LONG)
        assert time.monotonic() - began < LONG / 2
        began = time.monotonic()
        bell.wait(0.05)
        assert time.monotonic() - began >= 0.04


def test_a_signal_that_another_thread_receives_ends_it_as_well(heard):
    def receive():
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)

    with Doorbell() as bell:
        threading.Timer(0.05, receive).start()
        began = time.monotonic()
        bell.wait(LONG)
        assert time.monotonic() - began < LONG / 2
        assert heard


def test_afterwards_signals_ring_at_nobodys(heard):
    with Doorbell() as bell:
        bell.wait(0)
    os.kill(os.getpid(), signal.SIGUSR1)
    assert heard == [signal.SIGUSR1]
    assert signal.set_wakeup_fd(-1) == -1


def test_another_thread_that_rings_ends_it():
    bell = Doorbell()
    bell.ring()  # nobody waits yet
    with bell:
        threading.Timer(0.05, bell.ring).start()
        began = time.monotonic()
        bell.wait(LONG)
        assert time.monotonic() - began < LONG / 2
    bell.ring()  # nor any more
