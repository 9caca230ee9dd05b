"""The tokens of a stock language model: the symbols under their own numbers, then a few special tokens that carry the other outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssmc.alphabet import Alphabet
    from ssmc.cascade.ir import Mode

MULTIPLE = 8
"""The vocabulary is padded to a multiple of this, as `mamba_ssm` pads it."""


@dataclass(frozen=True)
class Vocabulary:
    """Token ids: symbol s is token s; special tokens follow; the rest of the padded size is unused.

    Attributes:
        kind: `bytes` or `tokens`, as the alphabet.
        symbols: the name of each symbol; of bytes none.
        special: the names of the special tokens: `bos` starts every string, `pad` fills; `eos` (predict) says that the string may end here;
            `accept` and `reject` (recognise) say whether what was read is a word; one for each pattern.
        roles: what each of them is for.
    """

    kind: str
    symbols: tuple[str, ...]
    special: tuple[str, ...]
    roles: tuple[str, ...]

    @staticmethod
    def of(alphabet: Alphabet, mode: Mode, patterns: Sequence[str]) -> Vocabulary:
        """The vocabulary of a model over an alphabet."""
        roles = ["bos", "pad", *(["eos"] if mode == "predict" else ["accept", "reject"])]
        plain = {"bos": "<s>", "pad": "<pad>", "eos": "</s>", "accept": "<accept>", "reject": "<reject>"}
        names = [plain[role] for role in roles] + [f"<pattern {name}>" for name in patterns]
        taken = set(alphabet.names)
        special: list[str] = []
        for name in names:
            while name in taken:
                name = f"<{name}>"
            taken.add(name)
            special.append(name)
        roles += [f"pattern {i}" for i in range(len(patterns))]
        return Vocabulary(alphabet.kind, alphabet.names, tuple(special), tuple(roles))

    @property
    def symbol_count(self) -> int:
        """The number of symbols."""
        return 256 if self.kind == "bytes" else len(self.symbols)

    @property
    def size(self) -> int:
        """The number of tokens, the unused ones included."""
        return -(-(self.symbol_count + len(self.special)) // MULTIPLE) * MULTIPLE

    @property
    def mode(self) -> Mode:
        """The mode of the model."""
        return "predict" if "eos" in self.roles else "recognise"

    def id(self, role: str) -> int:
        """The token of a role."""
        return self.symbol_count + self.roles.index(role)

    @property
    def outputs(self) -> tuple[int, ...]:
        """The tokens whose logits are the outputs: acceptance, each pattern, in predict mode each symbol."""
        patterns = [i + self.symbol_count for i, role in enumerate(self.roles) if role.startswith("pattern ")]
        accept = self.id("eos" if self.mode == "predict" else "accept")
        return (accept, *patterns, *(range(self.symbol_count) if self.mode == "predict" else ()))

    @property
    def names(self) -> list[str]:
        """The name of every token."""
        symbols = [f"<0x{b:02X}>" for b in range(256)] if self.kind == "bytes" else list(self.symbols)
        used = [*symbols, *self.special]
        return used + [f"<unused {i}>" for i in range(self.size - len(used))]

    def config(self) -> dict[str, Any]:
        """The special tokens as the configuration of a language model names them."""
        ends = [self.id("eos")] if self.mode == "predict" else [self.id("accept"), self.id("reject")]
        return {"bos_token_id": self.id("bos"), "pad_token_id": self.id("pad"), "eos_token_id": ends[0] if len(ends) == 1 else ends}  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """JSON types that `from_json` reads back."""
        return {
            "kind": self.kind,
            "symbols": list(self.symbols),
            "special": list(self.special),
            "roles": list(self.roles),
        }

    @staticmethod
    def from_json(data: dict[str, Any]) -> Vocabulary:
        """The inverse of `to_json`."""
        return Vocabulary(data["kind"], tuple(data["symbols"]), tuple(data["special"]), tuple(data["roles"]))
