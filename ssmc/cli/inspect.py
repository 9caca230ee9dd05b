"""`ssmc inspect`: what a model file holds, read without building the network."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from ssmc.cli import failure, tensors
from ssmc.cli.command import Command
from ssmc.patternset import PatternSet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ssmc.automaton import Automaton
    from ssmc.cli.model import LoadedModel


@click.command("inspect", cls=Command, examples=("ssmc inspect model.pt", "ssmc inspect folder --json"))
@click.argument("model", type=click.Path())
def command(model: str, as_json: bool) -> int:
    """Shows the source, automaton, components, tensors with the names of their coordinates, and certificate of MODEL.

    The network is not built. The certificate is what the file says, compared only with the hash of the weights; 'ssmc verify' proves it.
    """
    from ssmc.cli import stock
    from ssmc.cli.model import load

    loaded = load(model)
    if as_json:
        click.echo(json.dumps(stock.to_json(loaded) if isinstance(loaded, stock.LoadedStock) else _to_json(loaded)))
    else:
        body = stock.in_words(loaded) if isinstance(loaded, stock.LoadedStock) else _network(loaded)
        click.echo("\n".join([*_heading(loaded), *body]))
    return failure.OK


def _to_json(loaded: LoadedModel) -> dict[str, Any]:
    file = loaded.file
    return {
        "schema": "ssmc.inspect/1",
        "source": file.source,
        "mode": file.config["mode"],
        "target": file.config["architecture"],
        "dtype": file.config["dtype"],
        "automaton": file.automaton,
        "patterns": list(loaded.patterns),
        "components": file.config["components"],
        "config": file.config,
        "tensors": tensors.to_json(file.tensors, file.axes),
        "names": file.names,
        "cascade": file.cascade,
        "certificate": file.certificate,
        "certified": loaded.certified,
        "exactness": file.exactness,
        "versions": file.versions,
    }


def _heading(loaded: LoadedModel) -> list[str]:
    """What every model file tells."""
    from ssmc.verify.certificate import describe_lengths

    file, automaton = loaded.file, loaded.automaton
    proof = file.certificate
    names = [automaton.alphabet.name(symbol) for symbol in range(min(automaton.alphabet.size, 20))]
    more = " ..." if automaton.alphabet.size > len(names) else ""
    rows = [
        ("language", f"{_title(file.source)} ({file.source['syntax']})"),
        ("alphabet", f"{automaton.alphabet.size:,} symbols in {automaton.classes} classes: {' '.join(names)}{more}"),
        ("automaton", _size(automaton)),
        ("model", f"{loaded.target}, {'predict' if loaded.predict else 'recognise'}, {loaded.dtype}"),
    ]
    rows[2:2] = [("patterns" if k == 0 else "", name) for k, name in enumerate(loaded.patterns)]
    if proof is None:
        rows.append(("proof", "none"))
    else:
        text = f"{proof['proof']}, {proof['product_states']:,} product states, {describe_lengths(proof['lengths'])}"
        rows.append(("proof", text if loaded.certified else f"{text}; the weights were changed since"))
    rows.append(("versions", ", ".join(f"{name} {version}" for name, version in file.versions.items())))
    return [loaded.path, *(f"  {title:<11}{text}" for title, text in rows)]


def _size(automaton: Automaton) -> str:
    """The number of states; of patterns side by side that of each."""
    if isinstance(automaton, PatternSet):
        return f"{automaton.pattern_count} patterns of {', '.join(str(member.states) for member in automaton.members)} live states"
    return f"{automaton.states:,} live states, {automaton.complete_states:,} with the sink"


def _network(loaded: LoadedModel) -> list[str]:
    """The blocks, the head and the tensors of a network of ssmc."""
    file, lines = loaded.file, []
    config = file.config
    for number, block in enumerate(config["blocks"]):
        lines.append(f"  block {number}: {block['units']} units, {block['channels']} scan channels")
        lines += [f"    channel {name}" for name in file.names.get(f"blocks.{number}.channels", ())]
        for kind, key in (("one-hot vector", "columns"), ("point of the circle", "turns")):
            sizes = ", ".join(map(str, block.get(key, ())))
            lines += [f"    {kind} of {sizes} values"] * bool(sizes)
        lines += [f"    unit    {name}" for name in file.names.get(f"blocks.{number}.units", ())]
    lines.append(f"  head: {config['head']['units']} units, {config['outputs']} outputs")
    lines += [f"    unit    {name}" for name in file.names.get("head.units", ())]
    return lines + tensors.in_words(file.tensors, file.axes)


def _title(source: Mapping[str, Any]) -> str:
    """The name of the source; of an expression given on the command line, the expression."""
    return str(source["text"] if source["name"] == "-e" else source["name"])
