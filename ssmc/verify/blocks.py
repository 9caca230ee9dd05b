"""A stock model stepped block by block, no block twice on the same input and memory.

The model's own forward runs. Only its mixers are looked up: what a mixer computes is a function of the normalised coordinates that its input
projection has a nonzero column for, and of what `Recurrent.visible` shows of its own memory. So it is called once for each such pair, and its
result and its next memory are known wherever the pair comes again. A state of the model is then one number a block.

That a row of a batch gets the same bits in every batch, and that products with zero columns leave no trace, are part of what the watch shows:
no sum rounds, in any order.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from ssmc.verify.mamba import CachedModel
    from ssmc.verify.recurrent import State

NUMBERS = 1 << 22
"""Numbers of recurrent state that a mixer is called with at a time."""


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
        self.written = [recurrent.written(mixer) for mixer in self.mixers]
        self.memory = [Store() for _ in self.mixers]
        self.results = [Store() for _ in self.mixers]
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
        """(N,): the numbers of memories of a block; the states that are never written stay 0 and are not kept."""
        import torch

        seen = torch.cat([part.float() + 0.0 for part in self.recurrent.visible_of(i, window, scanned)], 1)
        kept = torch.cat([window.flatten(1).float(), scanned[:, self.written[i]].float()], 1)
        return torch.tensor(self.memory[i].add(row_keys(seen), kept))

    def recall(self, i: int, numbers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The memories of a block with the given numbers."""
        rows, (window, scanned) = self.memory[i].rows(numbers), self.shapes[2 * i : 2 * i + 2]
        size = window.numel()
        states = rows.new_zeros((len(rows), *scanned))
        states[:, self.written[i]] = rows[:, size:]
        cached = self.recurrent.cache.layers[i]
        kinds = cached.conv_states[0].dtype, cached.recurrent_states[0].dtype
        return rows[:, :size].reshape(-1, *window).to(kinds[0]), states.to(kinds[1])

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

        reads = torch.cat([hidden[:, 0, self.reads[i]].float() + 0.0, numbers[:, i : i + 1].float()], 1)
        keys = row_keys(reads)
        results, after = self.results[i], self.after[i]
        new = list({key: place for place, key in enumerate(keys) if key not in results.number}.values())
        size = max(1, NUMBERS // sum(shape.numel() for shape in self.shapes[2 * i : 2 * i + 2]))
        for first in range(0, len(new), size):
            part = new[first : first + size]
            index = torch.tensor(part)
            cached = self.recurrent.cache.layers[i]
            cached.conv_states[0], cached.recurrent_states[0] = self.recall(i, numbers[index, i])
            answer = mix(hidden[index], cache_params=self.recurrent.cache)
            results.add([keys[place] for place in part], answer[:, 0])
            after += self.remember(i, cached.conv_states[0], cached.recurrent_states[0]).tolist()
        found = [results.number[key] for key in keys]
        following[:, i] = torch.tensor([after[number] for number in found])
        return results.rows(torch.tensor(found))[:, None]

    def see(self, state: State) -> None:
        """Nothing: `extremes` looks at every memory."""

    def extremes(self) -> tuple[State, State]:
        """The least and the largest value of each entry of the caches, in the order of a state of the class."""
        low: list[torch.Tensor] = []
        high: list[torch.Tensor] = []
        for i in range(len(self.mixers)):
            for ends, extreme in ((low, "amin"), (high, "amax")):
                rows = getattr(self.memory[i].all(), extreme)(0)
                size = self.shapes[2 * i].numel()
                states = rows.new_zeros(self.shapes[2 * i + 1])
                states[self.written[i]] = rows[size:]
                ends += [rows[:size].reshape(self.shapes[2 * i]), states]
        return tuple(low), tuple(high)


def row_keys(rows: torch.Tensor) -> list[bytes]:
    """The bytes of each row of (N, k)."""
    array = rows.contiguous().cpu().numpy()
    data, width = array.tobytes(), array.shape[1] * array.itemsize
    return [data[first : first + width] for first in range(0, len(data), width)] if width else [b""] * len(array)
