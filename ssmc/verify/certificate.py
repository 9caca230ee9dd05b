"""What a proof leaves behind: a certificate, or the shortest word on which the model is wrong."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from ssmc.errors import VerificationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

Proof = Literal["product", "compositional"]


@dataclass(frozen=True)
class Certificate:
    """The model computes its language on inputs of every length, or (rotations that round) up to the stated one.

    Attributes:
        proof: `product`: every reachable pair of automaton state and bits of the model's recurrent state was stepped through the model;
            `compositional`: the cascade was explored, each table entry evaluated through the real layers, and the scan is exact.
        product_states: reachable pairs (of the model, or of the cascade's interpreter).
        lengths: `all`, or `up to N`.
        dtype: the dtype of the parameters (scan states are float32).
        max_magnitude: the largest number that any sum in the model's dtype can reach on any input, in any order.
        scan_magnitude: the largest number that a float32 scan can reach over any segment of live input, in any order.
        sha256: of the weights, see `weights_digest`.
    """

    proof: Proof
    product_states: int
    dtype: str
    max_magnitude: int
    scan_magnitude: int
    sha256: str
    lengths: str = "all"

    def to_json(self) -> dict[str, Any]:
        """JSON types that `from_json` reads back."""
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Certificate:
        """The inverse of `to_json`."""
        return Certificate(**data)

    @property
    def up_to(self) -> int | None:
        """The length up to which the proof holds; None for all."""
        return None if self.lengths == "all" else int(self.lengths.removeprefix("up to "))


def describe_lengths(lengths: str) -> str:
    """The lengths of a certificate in words."""
    return "all lengths" if lengths == "all" else f"lengths up to {int(lengths.removeprefix('up to ')):,}"


@dataclass(frozen=True)
class Counterexample:
    """The shortest word on which the model and the automaton differ.

    Attributes:
        word: symbol names.
        expected: what the language asks for: `accept`, `reject`, and in predict mode the legal next symbols.
        got: what the model says, or its raw logits where they are no answer at all.
    """

    word: tuple[str, ...]
    expected: str
    got: str

    def to_json(self) -> dict[str, Any]:
        """JSON types."""
        return {"word": list(self.word), "expected": self.expected, "got": self.got}


class DifferenceError(VerificationError):
    """The model answers differently from its automaton; carries the counterexample."""

    def __init__(self, counterexample: Counterexample) -> None:
        word = " ".join(counterexample.word) or "the empty word"
        super().__init__(
            f"after {word}: expected {counterexample.expected}, got {counterexample.got}", counterexample.word
        )
        self.counterexample = counterexample


def weights_digest(tensors: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 over names, dtypes, shapes and bytes of the tensors, in name order."""
    import torch

    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        data = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {data.dtype} {tuple(data.shape)}\n".encode())
        digest.update(data.view(torch.uint8).numpy().tobytes() if data.numel() else b"")
    return digest.hexdigest()
