"""The model card: what a model folder's README says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ssmc.nn.file import ModelFile


def model_card(file: ModelFile) -> str:
    """The card in Markdown, from the header alone."""
    config, source, proof = file.config, file.source, file.certificate
    text = str(source["text"]).rstrip("\n")
    mark = fence(text)
    channels = sum(part.get("channels", 0) for part in config["components"])
    units = config["head"]["units"] + sum(block["units"] for block in config["blocks"])
    rows = [
        ("Mode", config["mode"]),
        ("Symbols", config["symbols"]),
        *_states(file.automaton),
        ("Scan layers", len(config["blocks"])),
        ("Scan channels", channels),
        ("Hidden units", units),
        ("Dtype", f"{config['dtype']} (scan states float32)"),
    ]
    if proof:
        rows += [
            ("Proof", f"{proof['proof']}, {proof['product_states']} product states, {_lengths(proof['lengths'])}"),
            ("SHA-256 of the weights", proof["sha256"]),
        ]
    said = (
        f"The weights were proved to compute the language at {_lengths(proof['lengths'])}."
        if proof
        else "The weights carry no proof; `ssmc verify` makes one."
    )
    table = "\n".join(f"| {title} | {value} |" for title, value in rows)
    return f"""# {source["name"]}

A state-space model compiled from a regular language ({source["syntax"]}):

{mark}
{text}
{mark}

{said}

| | |
| --- | --- |
{table}

```python
from ssmc.nn import load_model

model = load_model("path/to/this/folder")
logits, state = model(tokens)  # (B, T) integers -> (B, T, {config["outputs"]})
```
"""


def _lengths(lengths: str) -> str:
    """The lengths of a certificate in words."""
    return "all lengths" if lengths == "all" else f"lengths {lengths}"


def fence(text: str) -> str:
    """A run of backticks that no run in the text is as long as."""
    return "`" * max(3, 1 + max((len(run) for run in _ticks(text)), default=0))


def _ticks(text: str) -> list[str]:
    runs, current = [], ""
    for ch in text:
        current = current + ch if ch == "`" else ""
        runs.append(current)
    return runs


def _states(automaton: Mapping[str, Any]) -> list[tuple[str, int | str]]:
    """The number of live states, with the table written out or not; of patterns side by side that of each."""
    if "members" in automaton:
        return [("States of each pattern's automaton", ", ".join(str(len(m["delta"])) for m in automaton["members"]))]
    states = len(automaton["delta"]) if "delta" in automaton else int(automaton["states"])
    return [("States of the minimal automaton", states)]
