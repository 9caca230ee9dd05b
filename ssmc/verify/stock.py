"""The proof of a stock model: the product of its automaton with the bits of its own recurrent cache, explored breadth first through its own step.

A model may be started with the start token or without it; both are explored. In predict mode only live prefixes are followed, in recognise mode all
words. Of the symbols of one class with bitwise equal embedding rows one is explored.

The exploration runs the recurrent form. Every step of it is watched: where no sum can round in any order, every factor of the scan is 0 or 1, and
its increments add up exactly, the full-sequence form computes the same numbers, whatever kernel or tree it uses.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ssmc.automaton import DEAD
from ssmc.errors import LimitError, VerificationError
from ssmc.targets.weights import LOGIT
from ssmc.verify.agreement import answers
from ssmc.verify.certificate import Certificate, Counterexample, DifferenceError, weights_digest
from ssmc.verify.recurrent import adapt, chunks
from ssmc.verify.stepped import Bitwise, quotient

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from ssmc.automaton import Automaton
    from ssmc.targets.vocabulary import Vocabulary
    from ssmc.verify.recurrent import State
    from ssmc.verify.stepped import Stepped

STATE_LIMIT = 500_000
"""Product states that are explored at most."""
BITWISE_LIMIT = 20_000
"""Product states up to which they are also counted without the quotient."""
NUMBERS = 1 << 22
"""Numbers of recurrent state, or of the residual stream, that are stepped at a time."""
SHORT = 32
"""Numbers up to which a product state is its own key."""


@dataclass(frozen=True)
class StockCertificate(Certificate):
    """The stock model computes the language on inputs of every length.

    Attributes:
        cache_states: the number of product states when all bits of the cache count, also those that nothing reads; None if there are more
            than were counted.
        library: the class that was stepped, with its version.
    """

    cache_states: int | None = None
    library: str = ""


def prove_stock(
    model: Any,
    automaton: Automaton,
    vocabulary: Vocabulary,
    *,
    limit: int = STATE_LIMIT,
    bitwise_limit: int = BITWISE_LIMIT,
) -> StockCertificate:
    """Proves that a stock model answers as its language asks, in its dtype, on inputs of every length and in every order of summation.

    Args:
        model: of a class that `ssmc.verify.recurrent.ADAPTERS` knows.
        automaton: the language.
        vocabulary: its tokens.
        limit: product states that are explored at most.
        bitwise_limit: product states up to which they are also counted without the quotient.

    Raises:
        DifferenceError: the model differs, with the shortest word on which it does.
        VerificationError: a sum may round, so only the recurrent form is proved.
        LimitError: there are more product states.
    """
    import torch
    import transformers

    with torch.no_grad():
        recurrent = adapt(model)
        exploration = _Exploration(model, automaton, vocabulary)
        with recurrent.watch() as exactness:
            states = exploration.run(limit, stepped := quotient(recurrent))
        largest, scans = exactness.check(*stepped.extremes())
        try:
            every = exploration.run(max(bitwise_limit, 0), Bitwise(recurrent)) if bitwise_limit else None
        except LimitError:
            every = None
    return StockCertificate(
        proof="product",
        product_states=states,
        dtype=str(model.dtype).removeprefix("torch."),
        max_magnitude=largest,
        scan_magnitude=scans,
        sha256=weights_digest(model.state_dict()),
        cache_states=every,
        library=f"{getattr(recurrent, 'library', 'transformers ' + transformers.__version__)} {type(model).__name__}",
    )


def expected_logits(automaton: Automaton, vocabulary: Vocabulary) -> NDArray[Any]:
    """(states + 1, tokens): the logits that the language asks for after a prefix, by state; the last row is that of `DEAD`."""
    rows = np.full((automaton.states + 1, vocabulary.size), -float(LOGIT))
    rows[:, list(vocabulary.outputs)] = np.where(answers(automaton, vocabulary.mode), LOGIT, -LOGIT)
    if vocabulary.mode == "recognise":
        rows[:, vocabulary.id("reject")] = -rows[:, vocabulary.id("accept")]
    return rows


@dataclass
class _Frontier:
    """Product states of one level: automaton states, their numbers in the order of discovery, and the model's states."""

    states: NDArray[np.int64]
    numbers: NDArray[np.int64]
    cache: State

    def __len__(self) -> int:
        return len(self.states)


class _Exploration:
    """The working state of the explorations of one model."""

    def __init__(self, model: Any, automaton: Automaton, vocabulary: Vocabulary) -> None:
        import torch

        self.automaton, self.vocabulary = automaton, vocabulary
        self.predict = vocabulary.mode == "predict"
        if vocabulary.symbol_count != automaton.alphabet.size or model.config.vocab_size != vocabulary.size:
            raise VerificationError("the model has another vocabulary than the language")
        classes = np.array(automaton.alphabet.classes, dtype=np.int64)
        rows = model.get_input_embeddings().weight.detach()[: len(classes)].double().cpu().numpy()
        kinds = np.unique(np.concatenate([classes[:, None], rows], axis=1), axis=0, return_index=True)[1]
        self.tokens = np.sort(kinds)
        self.classes = classes[self.tokens]
        self.after = np.array([*automaton.delta, (DEAD,) * automaton.classes], dtype=np.int64)
        self.after = self.after.reshape(automaton.states + 1, automaton.classes)
        self.wanted = torch.from_numpy(expected_logits(automaton, vocabulary)).to(model.dtype)
        self.first = 0 if automaton.states else DEAD

    def run(self, limit: int, stepped: Stepped) -> int:
        """Level by level; the number of product states.

        Args:
            limit: product states that are explored at most.
            stepped: the model.

        Raises:
            DifferenceError: the model differs.
            LimitError: there are more product states than the limit.
        """
        import torch

        self.seen: set[bytes] = set()
        self.parents: list[tuple[int, int]] = []
        self.limit, self.stepped = limit, stepped
        tokens = np.concatenate([[self.vocabulary.id("bos")], self.tokens])
        after = np.concatenate([[self.first], self.after[self.first, self.classes]])
        logits, cache = stepped.start(torch.from_numpy(tokens))
        self.compare(np.full(len(tokens), -1), tokens, after, logits)
        frontier = self.fresh(np.full(len(tokens), -1), tokens, after, cache)
        while len(frontier):
            rows, tokens = self.steps(frontier)
            size = max(1, NUMBERS // stepped.numbers)
            parts = [self.advance(_take(frontier, rows[s]), tokens[s]) for s in chunks(len(rows), size)]
            parts = parts or [_take(frontier, rows)]
            frontier = _Frontier(
                np.concatenate([part.states for part in parts]),
                np.concatenate([part.numbers for part in parts]),
                tuple(torch.cat(columns) for columns in zip(*(part.cache for part in parts), strict=True)),
            )
        return len(self.seen)

    def steps(self, frontier: _Frontier) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The entries of a frontier, each with every place in `tokens` that is read next; in predict mode nothing is asked after an error."""
        asked = np.ones((len(frontier), len(self.tokens)), dtype=bool)
        if self.predict:
            asked = self.after[frontier.states][:, self.classes] != DEAD
        rows, places = np.nonzero(asked)
        return rows, places

    def advance(self, part: _Frontier, places: NDArray[np.int64]) -> _Frontier:
        """The product states after reading a token in each of some product states that were not seen before."""
        import torch

        tokens, after = self.tokens[places], self.after[part.states, self.classes[places]]
        logits, cache = self.stepped.step(torch.from_numpy(tokens), part.cache)
        self.compare(part.numbers, tokens, after, logits)
        return self.fresh(part.numbers, tokens, after, cache)

    def compare(self, numbers: NDArray[Any], tokens: NDArray[Any], after: NDArray[Any], logits: torch.Tensor) -> None:
        """Demands the exact logits after a step.

        Raises:
            DifferenceError: they differ.
        """
        import torch

        wrong = (logits != self.wanted[torch.from_numpy(after)]).any(-1).numpy()
        if self.predict:
            # nothing is asked after the first error
            wrong &= (after != DEAD) | (tokens == self.vocabulary.id("bos"))
        if wrong.any():
            i = int(wrong.argmax())
            raise DifferenceError(self.counterexample(int(numbers[i]), int(tokens[i]), int(after[i]), logits[i]))

    def fresh(self, numbers: NDArray[Any], tokens: NDArray[Any], after: NDArray[Any], cache: State) -> _Frontier:
        """The product states of a step that were not seen before.

        Raises:
            LimitError: there are too many.
        """
        import torch

        live = after != DEAD if self.predict else np.ones(len(after), dtype=bool)
        if not live.any():
            return _Frontier(after[:0], numbers[:0], tuple(part[:0] for part in cache))
        self.stepped.see(tuple(part[torch.from_numpy(live)] for part in cache))
        found: list[int] = []
        for i, key in enumerate(self.keys(after, cache)):
            if live[i] and key not in self.seen:
                self.seen.add(key)
                self.parents.append((int(numbers[i]), int(tokens[i])))
                found.append(i)
        if len(self.seen) > self.limit:
            raise LimitError("product states of model and automaton", len(self.seen), self.limit)
        new = np.arange(len(self.seen) - len(found), len(self.seen))
        where = torch.tensor(found, dtype=torch.long)
        return _Frontier(after[found], new, tuple(part.index_select(0, where) for part in cache))

    def keys(self, after: NDArray[Any], cache: State) -> list[bytes]:
        """For each product state its bits, or the SHA-256 of many; -0.0 is folded into 0.0, and what no step can tell apart is one."""
        columns = [(part.flatten(1).float() + 0.0).cpu().numpy().view(np.int32) for part in self.stepped.visible(cache)]
        rows = np.ascontiguousarray(np.concatenate([after[:, None].astype(np.int32), *columns], axis=1))
        return [row.tobytes() if rows.shape[1] <= SHORT else hashlib.sha256(row).digest() for row in rows]

    def counterexample(self, number: int, token: int, state: int, logits: torch.Tensor) -> Counterexample:
        """The word that leads to a product state and then reads a token, with both answers."""
        word = [token]
        while number >= 0:
            number, before = self.parents[number]
            word.append(before)
        alphabet = self.automaton.alphabet
        names = tuple(alphabet.name(token) for token in reversed(word) if token < alphabet.size)
        return Counterexample(names, self.answer(self.wanted[state]), self.answer(logits))

    def answer(self, logits: torch.Tensor) -> str:
        """Logits in words."""
        if not bool((logits.abs() == LOGIT).all()):
            wrong = int((logits.abs() != LOGIT).nonzero()[0])
            return f"the logit {float(logits[wrong]):g} for {self.vocabulary.names[wrong]}"
        names = [name for name, logit in zip(self.vocabulary.names, logits.tolist(), strict=True) if logit > 0]
        return f"{{{', '.join(names)}}}"


def _take(frontier: _Frontier, index: NDArray[np.int64]) -> _Frontier:
    """The entries with the given indices."""
    import torch

    where = torch.from_numpy(index)
    return _Frontier(
        frontier.states[index], frontier.numbers[index], tuple(part.index_select(0, where) for part in frontier.cache)
    )
