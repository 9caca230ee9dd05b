"""A stock model stepped block by block, no block twice on the same input and memory.

The model's own forward runs. Only its mixers are looked up: what a mixer computes is a function of what its projected input drives (the activations
of the convolved channels and of the gates, the time steps) and of what `visible` shows of its memory. So it is called once for each such pair, and
its result and its next memory are known wherever the pair comes again. The projection, in turn, is a function of the normalised coordinates that
it has a nonzero column for. A state of the model is then one number a block.

That a row of a batch gets the same bits in every batch, and that products with zero columns leave no trace, are part of what the watch shows:
no sum rounds, in any order.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ssmc.verify.mamba import readable

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from ssmc.verify.mamba import CachedModel
    from ssmc.verify.recurrent import State

NUMBERS = 1 << 22
"""Numbers of recurrent state that a mixer is called with at a time."""
KNOWN = 200_000
"""Inputs of a block whose result is known without a projection."""
SHORT = 64
"""Bytes up to which a row is its own key."""


class Store:
    """Rows of tensors, each row once by its key; rows are numbered as they come."""

    def __init__(self) -> None:
        self.number: dict[bytes, int] = {}
        self._rows: torch.Tensor | None = None
        self._size = 0

    def __len__(self) -> int:
        return len(self.number)

    def add(self, keys: list[bytes], rows: torch.Tensor) -> list[int]:
        """The numbers of rows (N, k); a row whose key is new is kept."""
        import torch

        fresh = []
        for i, key in enumerate(keys):
            if key not in self.number:
                self.number[key] = len(self.number)
                fresh.append(i)
        if fresh:
            if self._rows is None or len(self.number) > len(self._rows):
                grown = rows.new_zeros((2 * len(self.number), rows.shape[1]))
                if self._rows is not None:
                    grown[: self._size] = self._rows[: self._size]
                self._rows = grown
            self._rows[self._size : len(self.number)] = rows.index_select(0, torch.tensor(fresh))
            self._size = len(self.number)
        return [self.number[key] for key in keys]

    def rows(self, numbers: torch.Tensor) -> torch.Tensor:
        """(N,) numbers -> (N, k)."""
        return self.all().index_select(0, numbers)

    def all(self) -> torch.Tensor:
        """Every row, by number."""
        if self._rows is None:
            raise IndexError("an empty store")
        return self._rows[: self._size]


class Blockwise:
    """A model of transformers' Mamba classes as a proof sees it; its state (N, blocks) has the number of each block's memory."""

    def __init__(self, recurrent: CachedModel) -> None:
        self.recurrent, self.model = recurrent, recurrent.model
        self.mixers = [layer.mixer for layer in self.model.backbone.layers]
        self.reads = [(mixer.in_proj.weight != 0).any(0) for mixer in self.mixers]
        self.readable = [readable(mixer.conv1d.weight[:, 0]) for mixer in self.mixers]
        self.written = [recurrent.written(mixer) for mixer in self.mixers]
        self.memory = [Store() for _ in self.mixers]
        self.results = [Store() for _ in self.mixers]
        self.known: list[dict[bytes, int]] = [{} for _ in self.mixers]
        self.after: list[list[int]] = [[] for _ in self.mixers]
        self.numbers = 4 * self.model.config.hidden_size + self.model.config.vocab_size
        self.shapes: list[torch.Size] = []

    def start(self, tokens: torch.Tensor) -> tuple[torch.Tensor, State]:
        """(N,) first tokens -> (N, vocabulary) logits, and the state after them."""
        logits, state = self.recurrent.start(tokens)
        self.shapes = [part.shape[1:] for part in state]
        return logits, (self.numbered(state),)

    def step(self, tokens: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        """(N,) tokens and the state before them -> (N, vocabulary) logits, and the state after them."""
        with self.looked_up(state[0]) as following:
            found = self.model(tokens[:, None], cache_params=self.recurrent.cache, use_cache=True)
        return found.logits[:, -1], (following,)

    def visible(self, state: State) -> State:
        """The numbers themselves: equal numbers are equal memories, as far as a step can tell."""
        return state

    def numbered(self, state: State) -> torch.Tensor:
        """(N, blocks): the numbers of the memories of a state."""
        import torch

        return torch.stack([self.remember(i, state[2 * i], state[2 * i + 1]) for i in range(len(self.mixers))], 1)

    def remember(self, i: int, window: torch.Tensor, scanned: torch.Tensor) -> torch.Tensor:
        """(N,): the numbers of memories of a block; columns that meet no tap and states that are never written are not kept."""
        import torch

        seen = torch.cat([part.float() + 0.0 for part in self.recurrent.visible_of(i, window, scanned)], 1)
        kept = torch.cat([window[:, self.readable[i]].float(), scanned[:, self.written[i]].float()], 1)
        return torch.tensor(self.memory[i].add(row_keys(seen), kept))

    def recall(self, i: int, numbers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The memories of a block with the given numbers, and 0 where nothing is kept."""
        window, scanned = self.filled(i, self.memory[i].rows(numbers))
        cached = self.recurrent.cache.layers[i]
        return window.to(cached.conv_states[0].dtype), scanned.to(cached.recurrent_states[0].dtype)

    def filled(self, i: int, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What is kept of memories (N, k), in the shapes of the cache."""
        window, scanned = (rows.new_zeros((len(rows), *shape)) for shape in self.shapes[2 * i : 2 * i + 2])
        count = int(self.readable[i].sum())
        window[:, self.readable[i]], scanned[:, self.written[i]] = rows[:, :count], rows[:, count:]
        return window, scanned

    @contextmanager
    def looked_up(self, numbers: torch.Tensor) -> Iterator[torch.Tensor]:
        """While it is entered, the model's mixers are looked up; what it yields gets the numbers of the memories after the step."""
        following = numbers.clone()
        own = [mixer.forward for mixer in self.mixers]
        try:
            for i, mixer in enumerate(self.mixers):
                mixer.forward = lambda hidden, *_, i=i, mix=own[i], **__: self.mix(i, mix, hidden, numbers, following)
            yield following
        finally:
            for mixer in self.mixers:
                del mixer.forward

    def mix(self, i: int, mix: Any, hidden: torch.Tensor, numbers: torch.Tensor, following: torch.Tensor) -> torch.Tensor:  # fmt: skip
        """(N, 1, d) -> (N, 1, d): what the mixer of a block answers to its normalised input."""
        import torch

        own = numbers[:, i : i + 1].float()
        keys = row_keys(torch.cat([hidden[:, 0, self.reads[i]].float() + 0.0, own], 1))
        known, after = self.known[i], self.after[i]
        if len(known) > KNOWN:
            known.clear()
        new = list({key: place for place, key in enumerate(keys) if key not in known}.values())
        if new:
            index = torch.tensor(new)
            driven = self.recurrent.driven(self.mixers[i], self.mixers[i].in_proj(hidden[index, 0]))
            pairs = row_keys(torch.cat([*(part.float() + 0.0 for part in driven), own[index]], 1))
            self.call(i, mix, pairs, hidden[index], numbers[index, i])
            known.update((keys[place], self.results[i].number[pair]) for place, pair in zip(new, pairs, strict=True))
        found = [known[key] for key in keys]
        following[:, i] = torch.tensor([after[number] for number in found])
        return self.results[i].rows(torch.tensor(found))[:, None]

    def call(self, i: int, mix: Any, pairs: list[bytes], hidden: torch.Tensor, numbers: torch.Tensor) -> None:
        """Calls a mixer for the pairs whose result is not known."""
        import torch

        results, cached = self.results[i], self.recurrent.cache.layers[i]
        new = list({pair: place for place, pair in enumerate(pairs) if pair not in results.number}.values())
        size = max(1, NUMBERS // sum(shape.numel() for shape in self.shapes[2 * i : 2 * i + 2]))
        for part in (new[first : first + size] for first in range(0, len(new), size)):
            index = torch.tensor(part)
            cached.conv_states[0], cached.recurrent_states[0] = self.recall(i, numbers[index])
            answer = mix(hidden[index], cache_params=self.recurrent.cache)
            results.add([pairs[place] for place in part], answer[:, 0])
            self.after[i] += self.remember(i, cached.conv_states[0], cached.recurrent_states[0]).tolist()

    def see(self, state: State) -> None:
        """Nothing: `extremes` looks at every memory."""

    def extremes(self) -> tuple[State, State]:
        """The least and the largest value of each entry of the caches, in the order of a state of the class."""
        low: list[torch.Tensor] = []
        high: list[torch.Tensor] = []
        for i in range(len(self.mixers)):
            for ends, extreme in ((low, "amin"), (high, "amax")):
                ends += [part[0] for part in self.filled(i, getattr(self.memory[i].all(), extreme)(0, keepdim=True))]
        return tuple(low), tuple(high)


def row_keys(rows: torch.Tensor) -> list[bytes]:
    """The bytes of each row of (N, k), or the SHA-256 of many."""
    array = rows.contiguous().cpu().numpy()
    data, width = array.tobytes(), array.shape[1] * array.itemsize
    if not width:
        return [b""] * len(array)
    keys = [data[first : first + width] for first in range(0, len(data), width)]
    return keys if width <= SHORT else [hashlib.sha256(key).digest() for key in keys]
