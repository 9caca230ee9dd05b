"""Random packed-bit machines: layers of fields that hold, set, reset, toggle and count."""

import numpy as np

from ssmc.kernels.machine import BitMachine, Layer

EVERY = 2**64 - 1


def random_machine(
    rng: np.random.Generator,
    widths: tuple[tuple[int, ...], ...],
    *,
    after: bool,
    symbols: int = 20,
    classes: int = 5,
    resets: tuple[float, ...] = (0.2,),
    sticky: bool = False,
    shown: int = 3,
) -> BitMachine:
    """A machine with one layer for each tuple of field widths.

    `resets` is the share of table entries that forget a field, by field in turn; `sticky`: fields of several bits saturate;
    `shown`: how many bits the output tells.
    """
    bits = tops = below = stays = count = 0
    layers = []
    for fields in widths:
        reads = min(below, 4)
        size = classes << reads
        keep, add, own = np.full(size, EVERY, np.uint64), np.zeros(size, np.uint64), 0
        for width in fields:
            field = ((1 << width) - 1) << bits
            own |= field
            tops |= 1 << (bits + width - 1)
            stays |= sticky * (width > 1) << (bits + width - 1)
            chance = rng.random(size)
            keep[chance < resets[count % len(resets)]] &= np.uint64(~field & EVERY)
            count += 1
            value = rng.integers(0, 1 << width, size).astype(np.uint64) << np.uint64(bits)
            add |= np.where(chance < 0.4, value, np.uint64(0))
            bits += width
        below = bits
        layers.append(Layer(reads, own, keep, add))
    reads = min(shown, bits)
    machine = BitMachine(
        classes=rng.integers(0, classes, symbols).astype(np.uint8),
        class_count=classes,
        bits=bits,
        tops=tops | (EVERY & ~((1 << bits) - 1)),
        layers=tuple(layers),
        reads=reads,
        after=after,
        output=rng.integers(0, 256, (1 if after else classes) << reads).astype(np.uint8),
        sticky=stays,
    )
    machine.check()
    return machine
