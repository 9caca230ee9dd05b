"""The one table of commands: a name, the module that defines it, and the line that `ssmc --help` shows.

The module is imported only when its command is named, so that help and small commands start quickly. It defines `command`,
a `ssmc.cli.command.Command`.
"""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """One command: the module with its `command`, and its summary."""

    module: str
    summary: str


COMMANDS: dict[str, Entry] = {
    "compile": Entry("ssmc.cli.compile", "Compile a language to a model file and prove it."),
    "check-starfree": Entry("ssmc.cli.check_starfree", "Decide whether a language is star-free, with a witness."),
    "classify": Entry("ssmc.cli.classify", "Place a language among the classes of the field, with evidence."),
    "monoid": Entry("ssmc.cli.monoid", "Enumerate the transition monoid: Green's classes, egg-boxes, groups."),
    "explain": Entry("ssmc.cli.explain", "Explain a decomposition: components, layers, and why each is needed."),
    "draw": Entry("ssmc.cli.draw", "Draw an automaton, skeleton, egg-box, Cayley graph or cascade."),
    "convert": Entry("ssmc.cli.convert", "Write a language as an automaton file of this or another tool."),
    "run": Entry("ssmc.cli.run", "Run a model file on strings."),
    "trace": Entry("ssmc.cli.trace", "Follow a string through a model: every state, and what wrote it."),
    "sample": Entry("ssmc.cli.sample", "Draw strings of a language, near misses, and labels for training."),
    "eval": Entry("ssmc.cli.eval", "Score a model, a folder or a function on words and near misses, by length."),
    "verify": Entry("ssmc.cli.verify", "Prove a model file equal to its language, or find the shortest difference."),
    "inspect": Entry("ssmc.cli.inspect", "Show what a model file holds, without building it."),
    "bench": Entry("ssmc.cli.bench", "Measure the scans of this machine, or a model file's tokens per second."),
}
