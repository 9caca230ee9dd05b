"""An explanation as one screen of text and as JSON."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from ssmc.automaton import DEAD
from ssmc.cascade.explain import READOUT
from ssmc.cascade.ir import HOLD, Images
from ssmc.cascade.prose import Speaker

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ssmc.cascade.counters import Counter
    from ssmc.cascade.explain import Explanation, Need, Part
    from ssmc.cascade.ir import AnyAction
    from ssmc.cascade.rules import Rules

_WIDTH = 112
_MOST_STATES = 16
_MOST_VALUES = 10
_MOST_COUNTERS = 4
_MOST_SUMMARY = 5
_MOST_OUTPUTS = 8
GROUPS = ("swap", "rotation", "permutation")
"""The kinds of components that do more than hold, overwrite and count."""
_BACK = {1: "the symbol before", 2: "two symbols before", 3: "three symbols before"}


def narrate(explanation: Explanation) -> Iterator[str]:
    """The lines of the explanation: states, layers, components layer by layer, readout; long lines are folded."""
    for line in _lines(explanation):
        indent = len(line) - len(line.lstrip())
        yield from textwrap.wrap(
            line, _WIDTH, subsequent_indent=" " * (indent + 4), break_long_words=False, break_on_hyphens=False
        ) or [""]


def _lines(explanation: Explanation) -> Iterator[str]:
    speaker = Speaker(explanation)
    yield from _states(speaker)
    yield from _facts(speaker)
    yield from _layers(explanation)
    for part in sorted(explanation.parts, key=lambda part: part.layer):
        yield ""
        yield from _part(speaker, part)
    yield ""
    yield from _readout(speaker)


def _states(speaker: Speaker) -> Iterator[str]:
    explanation = speaker.explanation
    automaton = explanation.cascade.automaton
    yield "states, each with a shortest word that leads there (* the word is in the language)"
    words = [
        f"{q}{'*' if q in automaton.accepting else ''} {speaker.word(word)}"
        for q, word in enumerate(explanation.access_words)
    ]
    if len(words) > _MOST_STATES:
        words = [*words[: _MOST_STATES // 2], "…", *words[-3:]]
    line = ""
    for word in words:
        if line and len(line) + len(word) > _WIDTH - 8:
            yield f"  {line}"
            line = ""
        line += ("   " if line else "") + word
    yield f"  {line}"


def _facts(speaker: Speaker) -> Iterator[str]:
    """What was known before the search: counters, height, and whether a window is enough."""
    explanation = speaker.explanation
    counters = [counter_terms(speaker, counter) for counter in explanation.counters[:_MOST_COUNTERS]]
    more = (
        f", and {len(explanation.counters) - _MOST_COUNTERS} more" if len(explanation.counters) > _MOST_COUNTERS else ""
    )
    yield f"counters that every state has a value of: {'; '.join(counters) or 'none'}{more}"
    if explanation.height is not None:
        yield f"holonomy without any context: {count(explanation.height, 'level')}"
    symbols = "the last symbol" if explanation.window == 0 else f"the last {explanation.window + 1} symbols"
    if explanation.tie is None:
        yield f"every output follows from {symbols}: zero layers suffice"
    else:
        one, other = (speaker.quoted(word) for word in explanation.tie)
        yield f"{one} and {other} agree in {symbols} and need different outputs: at least one layer"


def counter_terms(speaker: Speaker, counter: Counter) -> str:
    """`+1 on a, -1 on b`."""
    terms = []
    for step in sorted(set(counter.increments) - {0}, reverse=True):
        classes = [x for x, c in enumerate(counter.increments) if c == step]
        terms.append(f"{step:+d} on {speaker.letters(classes)}")
    return ", ".join(terms)


def _layers(explanation: Explanation) -> Iterator[str]:
    depth = explanation.cascade.depth
    yield f"{count(depth, 'scan layer')}, {count(explanation.channels, 'channel')} in binary"
    for layer in sorted({part.layer for part in explanation.parts}):
        inside = [part.symbol for part in explanation.parts if part.layer == layer]
        yield f"  layer {layer}  {' '.join(inside)}{' (convolution, no scan)' if layer == 0 else ''}"


def kind_of(part: Part) -> str:
    """What a component is, in words."""
    component = part.component
    if component.latch:
        return "latch"
    if component.kind == "window":
        lag = int(component.name.rsplit(maxsplit=1)[-1]) if component.name[-1:].isdigit() else 0
        return "window, " + _BACK.get(lag, f"{lag} symbols before" if lag else "earlier symbols")
    if component.kind == "counter":
        if component.saturating:
            return f"tally from 0 that stops at {component.values[-1]}"
        return f"counter from {component.low} to {component.values[-1]}"
    if component.kind != "reset":
        return "swap" if component.kind == "swap" else f"{component.kind} of {component.size} values"
    return "flip-flop" if component.size == 2 else f"reset with {component.size} values"


def _part(speaker: Speaker, part: Part) -> Iterator[str]:
    parts = speaker.explanation.parts
    reads = ", ".join(parts[j].symbol for j in part.component.depends_on)
    readers = ", ".join("the readout" if j == READOUT else parts[j].symbol for j in part.readers)
    detail = [f"layer {part.layer}"] + ([f"reads {reads}"] if reads and not part.taps else [])
    yield f"{part.symbol}: {kind_of(part)} ({'; '.join(detail)})" + (f", read by {readers}" if readers else "")
    if part.taps:
        yield from _window(speaker, part)
    elif part.component.kind == "counter":
        yield from _counter(speaker, part)
    elif part.component.kind in GROUPS:
        yield from _group(speaker, part)
    elif part.component.latch:
        yield f"  set by {_cases(speaker, part.rules)}, where the automaton has no transition, and never cleared: every later answer is no"
    else:
        yield from _reset(speaker, part)
    if part.need is not None:
        yield f"  needed: {_need(speaker, part.need)}"


def _window(speaker: Speaker, part: Part) -> Iterator[str]:
    used = {value for c, value in enumerate(part.taps) if speaker.used >> c & 1}
    groups = [speaker.tap(part, [value]) for value in sorted(used - {0})]
    yield "  tells " + " | ".join(["none yet", *groups, *(["the rest"] if set(part.taps) - used else [])])


def _counter(speaker: Speaker, part: Part) -> Iterator[str]:
    for action, rules in sorted(part.rules.cases, key=lambda case: case[0], reverse=True):  # type: ignore[arg-type, return-value]
        yield f"  {_effect(action)} on {speaker.rules(rules)}"  # type: ignore[arg-type]
    if part.rules.rest is not None:
        yield f"  {_effect(part.rules.rest)} on everything else"  # type: ignore[arg-type]
    yield from _by_value(speaker, part)


def _group(speaker: Speaker, part: Part) -> Iterator[str]:
    """What moves the values of a swap, rotation or permutation, and the states by value."""
    for action, rules in part.rules.cases[:_MOST_VALUES]:
        yield f"  {_effect(action)} on {speaker.rules(rules)}"  # type: ignore[arg-type]
    if len(part.rules.cases) > _MOST_VALUES:
        yield f"  and {len(part.rules.cases) - _MOST_VALUES} more actions"
    if part.rules.rest is not None:
        yield f"  {_effect(part.rules.rest)} on everything else"  # type: ignore[arg-type]
    yield from _by_value(speaker, part)


def _by_value(speaker: Speaker, part: Part) -> Iterator[str]:
    if any(len(states) > _MOST_STATES for states in part.states):
        return
    sets = [f"{value}: {speaker.states(q)}" for value, q in zip(part.component.values, part.states, strict=True)]
    if len(sets) > _MOST_VALUES:
        sets = [*sets[: _MOST_VALUES // 2], "…", *sets[-2:]]
    yield "  states by value   " + "   ".join(sets)


def _reset(speaker: Speaker, part: Part) -> Iterator[str]:
    rules = {action: own for action, own in part.rules.cases if isinstance(action, tuple)}
    for value in part.component.values[:_MOST_VALUES]:
        own = rules.get((0, value), ())
        start = ["from the start"] if value == 0 else []
        texts = start + ([f"set by {speaker.rules(own)}"] if own else [])
        if part.rules.rest == (0, value):
            texts.append("set by everything else")
        yield f"  {value}  {', '.join(texts) or 'never set'}"
        yield f"     then the state is {speaker.states(part.states[value])}"
    if part.component.size > _MOST_VALUES:
        yield f"  and {part.component.size - _MOST_VALUES} more values"
    if part.rules.rest == HOLD:
        yield "  held on everything else"
    elif (held := rules.get(HOLD)) is not None:
        yield f"  held on {speaker.rules(held)}"


def summary(explanation: Explanation, part: Part) -> list[str]:
    """A line or a few on what changes the component: for pictures."""
    speaker = Speaker(explanation)
    if part.taps:
        used = {value for c, value in enumerate(part.taps) if speaker.used >> c & 1} - {0}
        return [" | ".join(speaker.tap(part, [value]) for value in sorted(used))]
    if part.component.latch:
        return [_cases(speaker, part.rules)]
    if part.component.kind == "counter":
        return [line.strip() for line in _counter(speaker, part)][: len(part.rules.cases)]
    if part.component.kind in GROUPS:
        return [line.strip() for line in _group(speaker, part)][: min(len(part.rules.cases), _MOST_SUMMARY)]
    lines = []
    for value in part.component.values[:_MOST_SUMMARY]:
        own = next((rules for action, rules in part.rules.cases if action == (0, value)), ())
        if own:
            lines.append(f"{value}: {speaker.rules(own)}")
    return lines


def _cases(speaker: Speaker, rules: Rules) -> str:
    return "; ".join(speaker.rules(own) for _, own in rules.cases)


def _effect(action: AnyAction) -> str:
    if isinstance(action, Images):
        return map_terms(action.images)
    mul, add = action
    if mul < 0:
        return "0 and 1 exchanged"
    if mul == 0:
        return f"set to {add}"
    return "held" if add == 0 else f"{add:+d}"


def map_terms(images: Sequence[int]) -> str:
    """A permutation in cycles, `(0 1 2)(3 4)`; another map by what moves, `0, 2 to 1`."""
    if len(set(images)) == len(images):
        left, cycles = set(range(len(images))), []
        while left:
            cycle = [min(left)]
            while images[cycle[-1]] != cycle[0]:
                cycle.append(images[cycle[-1]])
            left -= set(cycle)
            cycles += [f"({' '.join(map(str, cycle))})"] if len(cycle) > 1 else []
        return "".join(cycles) or "held"
    moved: dict[int, list[int]] = {}
    for value, image in enumerate(images):
        if value != image:
            moved.setdefault(image, []).append(value)
    return "; ".join(f"{', '.join(map(str, values))} to {image}" for image, values in sorted(moved.items()))


def _need(speaker: Speaker, need: Need) -> str:
    one, other = (speaker.quoted((*prefix.word, prefix.x)) for prefix in (need.one, need.other))
    if need.reader == READOUT:
        says = speaker.answer(need.one.outcome, need.other.outcome)  # type: ignore[arg-type]
        return f"without it the readout cannot tell {one} ({says[0]}) from {other} ({says[1]})"
    symbol = speaker.explanation.parts[need.reader].symbol
    effects = [_effect(prefix.outcome) for prefix in (need.one, need.other)]  # type: ignore[arg-type]
    says = tuple(effect if effect != "held" else f"{symbol} held" for effect in effects)  # type: ignore[assignment]
    return f"without it {symbol} cannot tell {one} ({says[0]}) from {other} ({says[1]})"


def _readout(speaker: Speaker) -> Iterator[str]:
    explanation = speaker.explanation
    readout, rules = explanation.cascade.readout, explanation.readout
    symbols = [explanation.parts[j].symbol for j in readout.depends_on]
    yield f"readout: from the symbol just read{' and ' if symbols else ''}{', '.join(symbols)}"
    yield f"  ε: {speaker.output(readout.outputs[readout.initial])}"
    for outcome, own in rules.cases[:_MOST_OUTPUTS]:
        yield f"  {speaker.output(readout.outputs[outcome])}: after {speaker.rules(own)}"  # type: ignore[call-overload]
    if len(rules.cases) > _MOST_OUTPUTS:
        yield f"  and {len(rules.cases) - _MOST_OUTPUTS} more outputs"
    if (
        explanation.cascade.latch is None
        and explanation.cascade.mode == "recognise"
        and not explanation.cascade.automaton.is_complete
    ):
        yield "  no latch: the sink was decomposed like any other state"
    if rules.rest is not None:
        yield f"  {speaker.output(readout.outputs[rules.rest])}: otherwise"  # type: ignore[call-overload]


def count(number: int, noun: str, plural: str = "s") -> str:
    """`1 layer`, `2 layers`."""
    return f"{number:,} {noun}{plural * (number != 1)}"


def to_json(explanation: Explanation) -> dict[str, Any]:
    """The explanation in JSON types; words and letter sets are texts."""
    speaker = Speaker(explanation)
    cascade = explanation.cascade
    return {
        "mode": cascade.mode,
        "states": [
            {"word": speaker.word(word), "accepting": q in cascade.automaton.accepting}
            for q, word in enumerate(explanation.access_words)
        ],
        "counters": [
            {"increments": counter_terms(speaker, counter), "values": list(counter.values)}
            for counter in explanation.counters
        ],
        "height": explanation.height,
        "tie": None if explanation.tie is None else [speaker.word(word) for word in explanation.tie],
        "layers": cascade.depth,
        "channels": explanation.channels,
        "product_states": explanation.pairs,
        "components": [_part_json(speaker, part) for part in explanation.parts],
        "readout": {
            "depends_on": list(cascade.readout.depends_on),
            "initial": speaker.output(cascade.readout.outputs[cascade.readout.initial]),
            "cases": [
                {"output": speaker.output(cascade.readout.outputs[o]), "after": [speaker.rule(rule) for rule in own]}  # type: ignore[call-overload]
                for o, own in explanation.readout.cases
            ],
            "otherwise": None
            if explanation.readout.rest is None
            else speaker.output(cascade.readout.outputs[explanation.readout.rest]),  # type: ignore[call-overload]
        },
    }


def _part_json(speaker: Speaker, part: Part) -> dict[str, Any]:
    component = part.component
    return {
        "symbol": part.symbol,
        "name": component.name,
        "kind": "latch" if component.latch else "tally" if component.saturating else component.kind,
        "layer": part.layer,
        "depends_on": list(component.depends_on),
        "read_by": ["readout" if j == READOUT else j for j in part.readers],
        "values": [
            {
                "value": value,
                "states": [q for q in states if q != DEAD],
                "dead": DEAD in states,
                "letters": speaker.tap(part, [value]) if part.taps else None,
            }
            for value, states in zip(component.values, part.states, strict=True)
        ],
        "rules": [
            {"effect": _effect(action), "on": [speaker.rule(rule) for rule in own]}  # type: ignore[arg-type]
            for action, own in part.rules.cases
            if not part.taps
        ],
        "otherwise": None if part.taps or part.rules.rest is None else _effect(part.rules.rest),  # type: ignore[arg-type]
        "needed": None if part.need is None else _need(speaker, part.need),
    }
