"""Without a GPU the Triton kernels themselves run in Triton's interpreter, which must be chosen before triton is imported; it checks every access here."""

import os
import pathlib

import numpy as np
import pytest

INTERPRETED = not pathlib.Path("/dev/nvidiactl").exists()
if INTERPRETED:
    os.environ.setdefault("TRITON_INTERPRET", "1")


class Memory:
    """The interpreter's memory: an access outside of the tensors that the kernel was given fails the test."""

    def __init__(self, inner):
        self.inner = inner
        self.begins = self.ends = np.zeros(0, np.uint64)

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def give(self, tensors):
        """The storages of the tensors are what may be accessed."""
        storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}
        self.begins = np.array(sorted(storages), np.uint64)
        self.ends = self.begins + np.array([storages[int(begin)] for begin in self.begins], np.uint64)

    def check(self, pointers, mask, size):
        at = np.atleast_1d(pointers)[np.atleast_1d(mask)].astype(np.uint64)
        place = np.searchsorted(self.begins, at, side="right").astype(np.int64) - 1
        wrong = (place < 0) | (at + np.uint64(size) > self.ends[place])
        if wrong.any():
            raise IndexError(f"{int(wrong.sum())} accesses outside of the kernel's arguments")

    def load(self, pointers, mask, other, dtype):
        self.check(pointers, mask, np.dtype(dtype).itemsize)
        return self.inner.load(pointers, mask, other, dtype)

    def store(self, pointers, value, mask):
        self.check(pointers, mask, value.dtype.itemsize)
        return self.inner.store(pointers, value, mask)

    def atomic_rmw(self, operation, pointers, value, mask, order):
        self.check(pointers, mask, value.dtype.itemsize)
        return self.inner.atomic_rmw(operation, pointers, value, mask, order)

    def atomic_cas(self, pointers, expected, value, order):
        self.check(pointers, np.ones_like(pointers, bool), value.dtype.itemsize)
        return self.inner.atomic_cas(pointers, expected, value, order)


def given(values):
    """The tensors among a kernel's arguments."""
    for value in values:
        if isinstance(value, tuple):
            yield from given(value)
        elif hasattr(value, "untyped_storage"):
            yield value


@pytest.fixture(autouse=True)
def memory(monkeypatch):
    """Checks every access of interpreted kernels."""
    triton = pytest.importorskip("triton")
    if not triton.knobs.runtime.interpret:
        return None
    from triton.runtime import interpreter

    memory, begin = Memory(interpreter._interpreter), interpreter.GridExecutor._init_args_hst

    def start(self, arguments, named):
        found = begin(self, arguments, named)
        memory.give(given([*found[0], *found[1].values()]))
        return found

    monkeypatch.setattr(interpreter, "_interpreter", memory)
    monkeypatch.setattr(interpreter.GridExecutor, "_init_args_hst", start)
    return memory
