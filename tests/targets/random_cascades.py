"""Random cascades for hypothesis: components of every kind with random tables, partial where no live prefix leads."""

from types import MappingProxyType

from hypothesis import strategies as st

from ssmc.alphabet import Alphabet
from ssmc.automaton import Automaton
from ssmc.cascade.ir import HOLD, TOGGLE, Action, Cascade, Component, Images, Output, Readout, overwrite
from ssmc.errors import InvariantError


def automaton(classes, symbols, patterns=0):
    """An automaton that stands for nothing but the alphabet and the number of patterns."""
    names = [chr(97 + i) for i in range(symbols)]
    alphabet = Alphabet.of_classes("tokens", names, [min(i, classes - 1) for i in range(symbols)])
    return Automaton(alphabet, ((0,) * classes,), frozenset({0}), (frozenset({0}),) * patterns)


def keys(classes, components, reads):
    out = [(c,) for c in range(classes)]
    for j in reads:
        out = [(*key, v) for key in out for v in components[j].values]
    return out


@st.composite
def cascades(draw, mode=None, kinds=("reset", "reset", "counter", "window")):
    """A cascade with the set of its live steps: (values, class) pairs that stay in every counter's range."""
    mode = mode or draw(st.sampled_from(["recognise", "predict"]))
    classes = draw(st.integers(1, 4))
    patterns = draw(st.sampled_from([0, 0, 1, 2]))
    base = automaton(classes, classes + draw(st.integers(0, 2)), patterns)
    components = []
    for k in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(kinds))
        below = [j for j in range(k) if kind != "window" or components[j].kind == "window"]
        reads = tuple(sorted(draw(st.sets(st.sampled_from(below), max_size=2)) if below else ()))
        size = draw(st.sampled_from([2, 2, 3, 4, 5]))
        low, saturating = 0, False
        if kind == "reset":
            actions = st.sampled_from([HOLD, HOLD, *map(overwrite, range(size))])
        elif kind == "window":
            actions = st.sampled_from([*map(overwrite, range(size))])
        elif kind == "swap":
            size = 2
            actions = st.sampled_from([HOLD, TOGGLE, TOGGLE, overwrite(0), overwrite(1)])
        elif kind == "rotation":
            actions = st.sampled_from([*(Action(1, c) for c in range(size)), *map(overwrite, range(size))])
        elif kind == "permutation":
            maps = st.builds(Images, st.tuples(*[st.integers(0, size - 1)] * size))
            actions = st.one_of(st.builds(Images, st.permutations(range(size)).map(tuple)), maps, st.just(HOLD))
        else:
            saturating = draw(st.booleans())
            low = draw(st.integers(max(-2, 1 - size), 0))
            changes = [Action(1, c) for c in range(0 if saturating else -2, 3)]
            actions = st.sampled_from([*changes, *map(overwrite, range(low, low + size))])
        table = {key: draw(actions) for key in keys(classes, components, reads)}
        if kind == "window" and draw(st.booleans()):
            # a chain: a function of one earlier symbol
            if reads:
                reads = reads[:1]
                image = {v: draw(actions) if v else overwrite(0) for v in components[reads[0]].values}
                table = {(c, v): image[v] for c in range(classes) for v in image}
            else:
                table = {(c,): draw(actions) for c in range(classes)}
        components.append(
            Component(f"c{k}", kind, size, reads, MappingProxyType(table), low=low, saturating=saturating)
        )
    reads = tuple(sorted(draw(st.sets(st.sampled_from(range(len(components))), max_size=3)) if components else ()))
    held = st.tuples(*[st.booleans()] * patterns)
    outputs = [Output(False, (), (False,) * patterns), *(Output(True, (), draw(held)) for _ in range(1 + patterns))]
    if mode == "predict":
        subsets = st.sets(st.integers(0, classes - 1)).map(lambda s: tuple(sorted(s)))
        outputs = draw(st.lists(st.builds(Output, st.booleans(), subsets, held), min_size=1, max_size=4, unique=True))
    outcome = st.integers(0, len(outputs) - 1)
    readout = {key: draw(outcome) for key in keys(classes, components, reads)}
    if mode == "recognise":
        watch = tuple(sorted(draw(st.sets(st.sampled_from(range(len(components))), max_size=2)) if components else ()))
        errors = {key: draw(st.booleans()) and draw(st.booleans()) for key in keys(classes, components, watch)}
        return _recognise(base, components, watch, errors, reads, readout, outputs, draw(outcome))
    cascade = Cascade(
        base, mode, tuple(components), Readout(reads, MappingProxyType(readout), tuple(outputs), draw(outcome))
    )
    return _prune(cascade)


def _recognise(base, components, watch, errors, reads, readout, outputs, initial):
    """Adds a latch that is set at the given keys; the readout rejects there and under the latch."""
    latch = len(components)
    table = {key: overwrite(1) if error else HOLD for key, error in errors.items()}
    components = [*components, Component("latch", "reset", 2, watch, MappingProxyType(table), latch=True)]
    both = tuple(sorted({*watch, *reads, latch}))
    full = {}
    for key in keys(base.classes, components, both):
        values = dict(zip(both, key[1:], strict=True))
        dead = values[latch] or errors[(key[0], *(values[j] for j in watch))]
        full[key] = 0 if dead else readout[(key[0], *(values[j] for j in reads))]
    return _prune(
        Cascade(base, "recognise", tuple(components), Readout(both, MappingProxyType(full), tuple(outputs), initial))
    )


def _prune(cascade):
    """Keeps the table keys that live steps meet; the rest become don't-cares. Returns the cascade and its live steps."""
    seen, queue, steps = {cascade.initial}, [cascade.initial], {}
    used = [set() for _ in cascade.components]
    answered = set()
    while queue:
        values = queue.pop()
        for c in range(cascade.automaton.classes):
            try:
                after = cascade.step(values, c)
            except InvariantError:  # a counter would leave its range: not live
                continue
            for k, component in enumerate(cascade.components):
                used[k].add((c, *(values[j] for j in component.depends_on)))
            answered.add((c, *(values[j] for j in cascade.readout.depends_on)))
            latched = cascade.latch is not None and after[cascade.latch]
            steps[values, c] = None if latched else after
            if not latched and after not in seen:
                seen.add(after)
                queue.append(after)
    components = tuple(
        Component(
            **{
                **vars(component),
                "table": MappingProxyType({key: component.table[key] for key in sorted(used[k])}),
            }
        )
        for k, component in enumerate(cascade.components)
    )
    table = MappingProxyType({key: cascade.readout.table[key] for key in sorted(answered)})
    readout = Readout(cascade.readout.depends_on, table, cascade.readout.outputs, cascade.readout.initial)
    pruned = Cascade(cascade.automaton, cascade.mode, components, readout)
    pruned.check()
    return pruned, steps
