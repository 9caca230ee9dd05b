"""The product of an automaton with a model's actual recurrent state, explored breadth first through the model's own step.

A product state is a state of the automaton with the bit patterns of the model's delay line and float32 scan states (-0.0 folded into 0.0). If
every reachable one answers as the language asks, after every symbol, then model and automaton agree on inputs of every length. The state of a rotation
that rounds is first moved to the nearest of its points, which is all that a reader sees of it: then the conclusion holds up to the length to which
that point is shown to be the right one (`ssmc.targets.soundness_gates.proved_length`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssmc.automaton import DEAD
from ssmc.errors import LimitError, VerificationError
from ssmc.verify.agreement import answers
from ssmc.verify.certificate import Counterexample

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from ssmc.automaton import Automaton
    from ssmc.nn.block import Widths
    from ssmc.nn.model import Model, State

BATCH = 1 << 14
"""Product states times symbols that are stepped at a time."""
STATE_LIMIT = 300_000
"""Product states that are explored before the compositional proof takes over."""
WORK_LIMIT = 40_000_000_000
"""Product states times symbols times numbers in the network that are explored before it does."""


@dataclass(frozen=True)
class Frontier:
    """Product states of one level.

    Attributes:
        states: (N,) states of the automaton, `DEAD` included.
        numbers: (N,) their numbers in the order of discovery (or those of their parents, before they are known to be new).
        state: the model's recurrent states.
    """

    states: NDArray[np.int64]
    numbers: NDArray[np.int64]
    state: State

    def take(self, index: NDArray[np.int64]) -> Frontier:
        """The entries with the given indices."""
        import torch

        where = torch.from_numpy(index).to(self.state.scan.device)
        state = type(self.state)(*(column.index_select(0, where) for column in self.state))
        return Frontier(self.states[index], self.numbers[index].copy(), state)

    @staticmethod
    def join(parts: list[Frontier]) -> Frontier:
        """The parts one after the other."""
        import torch

        state = type(parts[0].state)(*(torch.cat(columns) for columns in zip(*(p.state for p in parts), strict=True)))
        return Frontier(np.concatenate([p.states for p in parts]), np.concatenate([p.numbers for p in parts]), state)


@dataclass(frozen=True)
class Explored:
    """The reachable product.

    Attributes:
        product_states: its size.
        low: for each scan channel the least value in it.
        high: for each scan channel the largest value in it.
    """

    product_states: int
    low: tuple[float, ...]
    high: tuple[float, ...]


def explore(
    model: Model, automaton: Automaton, *, limit: int = STATE_LIMIT, length: int | None = None, rounding: bool = True
) -> Explored | Counterexample:
    """Compares model and automaton on every reachable product state.

    Of the symbols of one class with bitwise equal embedding rows one is explored. In predict mode only live prefixes are
    followed. In recognise mode nothing behind the set latch is followed: `Weights.check` shows that it stays set and rejects.

    Args:
        model: a native model.
        automaton: the language.
        limit: product states that are explored at most.
        length: the length of the words that are explored at most; any when absent.
        rounding: whether the states of rotations are moved to their nearest points; only sound weights justify it.

    Raises:
        VerificationError: the model has another number of symbols.
        LimitError: there are more product states, or longer words lead to new ones.
    """
    import torch

    with torch.no_grad():
        return _Exploration(model, automaton, limit, rounding=rounding).run(length)


class _Exploration:
    """The working state of one exploration."""

    def __init__(self, model: Model, automaton: Automaton, limit: int, *, rounding: bool) -> None:
        import torch

        self.model, self.automaton, self.limit, self.rounding = model, automaton, limit, rounding
        self.predict = model.config["mode"] == "predict"
        self.device = model.initial_logits.device
        alphabet = automaton.alphabet
        if alphabet.size != model.config["symbols"]:
            raise VerificationError(f"the model has {model.config['symbols']} symbols, the automaton {alphabet.size}")
        classes = np.array(alphabet.classes, dtype=np.int64)
        rows = model.embedding.weight.detach().double().cpu().numpy()
        kinds = np.unique(np.concatenate([classes[:, None], rows], axis=1), axis=0, return_index=True)[1]
        self.symbols = np.sort(kinds)
        self.classes = classes[self.symbols]
        self.after = np.array([*automaton.delta, (DEAD,) * automaton.classes], dtype=np.int64)
        self.after = self.after.reshape(automaton.states + 1, automaton.classes)
        # row -1 is the dead state
        table = np.where(answers(automaton, model.config["mode"]), 128.0, -128.0)
        self.answers = torch.from_numpy(table).to(model.dtype).to(self.device)
        if self.answers.shape[1] != model.config["outputs"]:
            raise VerificationError(f"the model has {model.config['outputs']} outputs, not {self.answers.shape[1]}")
        components = model.config["components"]
        patterns = model.config["head"].get("parts")
        latches = {k for k, c in enumerate(components) if c.get("latch")}
        if patterns is not None:
            # a set is dead once each of its patterns is, and one without a latch never stands still
            latches = {p["latch"] for p in patterns} if all(p["latch"] is not None for p in patterns) else set()
        starts = np.cumsum([0, *model.channels])
        self.latches = [int(starts[components[k]["block"]] + components[k]["start"]) for k in sorted(latches)]
        self.caps = self._caps(starts)
        self.starts = starts
        self.start = 0 if automaton.states else DEAD
        self.seen: set[bytes] = set()
        self.parents: list[tuple[int, int]] = [(0, -1)]

    def _caps(self, starts: NDArray[np.int64]) -> torch.Tensor:
        """For each scan channel the value above which a saturating counter is the same to every reader, else infinity."""
        import torch

        caps = torch.full((sum(self.model.channels),), float("inf"), device=self.device)
        for component in self.model.config["components"]:
            if component.get("saturating"):
                caps[int(starts[component["block"]]) + component["start"]] = component["low"] + component["values"] - 1
        return caps

    def rounded(self, scan: torch.Tensor) -> torch.Tensor:
        """The scan states with saturated counters at their caps and rotations at their nearest points."""
        import torch

        scan = scan.minimum(self.caps)
        for first, block in zip(self.starts.tolist(), self.model.blocks, strict=False):
            sizes: Widths = block.sizes  # type: ignore[assignment]
            if sizes.turns and self.rounding:
                scan = scan.clone()
                points = torch.split(block.points.detach(), list(sizes.turns))  # type: ignore[operator]
                sectors = block.sectors(scan[:, first : first + sizes.state])  # type: ignore[operator]
                for r, (own, sector) in enumerate(zip(points, sectors, strict=True)):
                    at = first + sizes.read + 2 * r
                    scan[:, at : at + 2] = own[sector.argmax(-1)]
        return scan

    def run(self, length: int | None) -> Explored | Counterexample:
        """Level by level."""
        levels = 0
        frontier = Frontier(np.array([self.start]), np.array([0]), self.model.initial_state(1))
        initial = self.model.initial_logits.detach()
        if not bool((initial == self.answers[self.start]).all()):
            return self.counterexample(0, None, self.start, initial)
        self.seen.add(self.keys(frontier)[0].tobytes())
        low, high = frontier.state.scan[0], frontier.state.scan[0]
        # a map of n values can take n^2 numbers
        stride = max(1, BATCH // (max(1, len(self.symbols)) * self.model.weights[1]))
        while len(frontier.states) and not (self.predict and self.start == DEAD):
            if length is not None and levels == length:
                raise LimitError("length of words explored", levels + 1, length)
            levels += 1
            parts: list[Frontier] = []
            for first in range(0, len(frontier.states), stride):
                outcome = self.advance(frontier.take(np.arange(first, min(first + stride, len(frontier.states)))))
                if isinstance(outcome, Counterexample):
                    return outcome
                parts.append(outcome)
            frontier = Frontier.join(parts)
            if len(frontier.states):
                low = low.minimum(frontier.state.scan.amin(0))
                high = high.maximum(frontier.state.scan.amax(0))
        return Explored(len(self.seen), tuple(low.tolist()), tuple(high.tolist()))

    def advance(self, part: Frontier) -> Frontier | Counterexample:
        """The product states after every symbol from every state of a part of the frontier that were not seen before."""
        origins = np.repeat(np.arange(len(part.states)), len(self.symbols))
        letters = np.tile(self.symbols, len(part.states))
        after = self.after[part.states[origins], np.tile(self.classes, len(part.states))]
        if self.predict:
            # nothing is asked after a symbol that is not legal
            legal = after != DEAD
            origins, letters, after = origins[legal], letters[legal], after[legal]
        every = part.take(origins)
        if not len(after):
            return every
        logits, state = self.model.step(self.index(letters), every.state)
        state = type(state)(state.delay, self.rounded(state.scan))
        wrong = (logits != self.answers[self.index(after)]).any(dim=-1).cpu().numpy()
        if wrong.any():
            i = int(wrong.argmax())
            return self.counterexample(int(every.numbers[i]), int(letters[i]), int(after[i]), logits[i])
        # after the first error the set latch answers
        terminal = after == DEAD
        terminal &= bool(self.latches) and (state.scan[:, self.latches] == 1).all(-1).cpu().numpy()
        moved = Frontier(after, every.numbers, state)
        fresh: list[int] = []
        keys = self.keys(moved)
        # the first of each key, in the order of discovery
        for i in np.sort(np.unique(keys, return_index=True)[1]).tolist():
            key = keys[i].tobytes()
            if key not in self.seen:
                self.seen.add(key)
                self.parents.append((int(every.numbers[i]), int(letters[i])))
                if not terminal[i]:
                    fresh.append(i)
                    moved.numbers[i] = len(self.parents) - 1
        if len(self.seen) > self.limit:
            raise LimitError("product states of model and automaton", len(self.seen), self.limit)
        return moved.take(np.array(fresh, dtype=np.int64))

    def keys(self, frontier: Frontier) -> NDArray[np.void]:
        """(N,): the bits of each product state; -0.0 is folded into 0.0."""
        columns = [frontier.state.scan + 0.0, frontier.state.delay.float() + 0.0]
        bits = [column.cpu().numpy().view(np.int32) for column in columns]
        rows = np.concatenate([frontier.states[:, None].astype(np.int32), *bits], axis=1)
        return np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1] * rows.itemsize)))[:, 0]

    def counterexample(self, number: int, letter: int | None, state: int, logits: torch.Tensor) -> Counterexample:
        """The word that leads to a product state and then reads a letter, with both answers."""
        word = [] if letter is None else [letter]
        while number:
            number, before = self.parents[number]
            word.append(before)
        alphabet = self.automaton.alphabet
        names = tuple(alphabet.name(symbol) for symbol in reversed(word))
        return Counterexample(names, self.answer(self.answers[state]), self.answer(logits))

    def answer(self, logits: torch.Tensor) -> str:
        """Logits in words."""
        if not bool((logits.abs() == 128).all()):
            return f"logits {logits.tolist()}"
        bits = (logits > 0).tolist()
        count = 1 + self.automaton.pattern_count
        numbers = [str(i) for i, holds in enumerate(bits[:count]) if i and holds]
        names = [self.automaton.alphabet.name(s) for s, legal in enumerate(bits[count:]) if legal]
        said = ["accept" if bits[0] else "reject"]
        said += [f"patterns {{{', '.join(numbers)}}}"] * (count > 1) + [f"next {{{', '.join(names)}}}"] * self.predict
        return ", ".join(said)

    def index(self, numbers: NDArray[np.int64]) -> torch.Tensor:
        """An index on the model's device."""
        import torch

        return torch.from_numpy(numbers).to(self.device)
