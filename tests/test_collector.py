"""What exists is left out of garbage collection while a stage runs, and only then."""

from __future__ import annotations

import gc
import weakref
from threading import Thread

import pytest

from ssmc.collector import settled_heap
from ssmc.compile import compile_language
from ssmc.languages import language_of


def is_frozen() -> bool:
    """Whether more is frozen than an interpreter begins with."""
    return gc.get_freeze_count() > 10_000


class _Loop:
    def __init__(self) -> None:
        self.me = self


def test_blocks_nest_and_end_with_an_error() -> None:
    def fail() -> None:
        with settled_heap():
            assert is_frozen()
            with settled_heap():
                pass
            assert is_frozen()
            raise KeyError

    assert not is_frozen()
    with pytest.raises(KeyError):
        fail()
    assert not is_frozen()


def test_cycles_that_are_made_meanwhile_are_collected() -> None:
    before = _Loop()
    old = weakref.ref(before)
    del before
    with settled_heap():
        loop = _Loop()
        new = weakref.ref(loop)
        del loop
        gc.collect()
        assert new() is None
        assert old() is not None
    gc.collect()
    assert old() is None


def test_what_somebody_froze_stays_frozen() -> None:
    gc.freeze()
    try:
        with settled_heap():
            pass
        compile_language(language_of("a*b", alphabet="ab"))
        assert is_frozen()
    finally:
        gc.unfreeze()


def test_threads() -> None:
    def work() -> None:
        for _ in range(200):
            with settled_heap():
                pass

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not is_frozen()
