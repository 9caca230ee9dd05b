"""How deep and how wide the cascades are: every star-free grammar at every effort, and languages with a goal at fixed windows.

    python benchmarks/depth.py [--effort N]... [--grammar NAME]... [--seconds S] [--goals | --grammars] [--record]
    python benchmarks/depth.py --markdown        the table of docs/cascade.md, from the record

Predict mode. Layers and channels are those of the lowered native weights, layer 0 (windows) not counted; hidden units are those of all blocks and of the
head. *Seconds* are those of `decompose` alone, one run; a run that takes longer than S seconds is shown as `-`. *Height* is that of the holonomy
decomposition of the trimmed automaton, without contexts and without reduction of dependencies. *Bound* is a proved least number of layers for the
window allowed: 1 where two words that end alike ask for different outputs (`find_tie`), 2 where without a window no single layer can do it
(`needs_two_layers`). *One layer*: whether one layer of resets over the window and of
counters can do it, tallies apart (`one_layer_suffices`; `?` where the search for an answer is too long).
"""

from __future__ import annotations

import argparse
import json
import signal
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ssmc.bench.machine import machine, machine_line
from ssmc.cascade import check_cascade, decompose
from ssmc.cascade.base import make_base
from ssmc.cascade.bounds import find_tie, needs_two_layers, one_layer_suffices
from ssmc.cascade.holonomy import find_holonomy
from ssmc.cascade.strategy import Options
from ssmc.cascade.system import System
from ssmc.errors import LimitError, NotStarFreeError
from ssmc.languages import language_of, read_language, shipped_grammars
from ssmc.targets import lower

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ssmc.automaton import Automaton

RECORD = Path(__file__).parent / "records" / "depth.json"


class Goal(NamedTuple):
    """A language, the widest window allowed, and the most layers that the cascade is to have."""

    name: str
    expression: str
    alphabet: str
    window: int
    layers: int


_URL = r"https?://[a-z0-9-]+(\.[a-z0-9-]+)+(/[^ ?#]*)?(\?[^ #]*)?"
_EMAIL = r"[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,4}"
_SEMVER = r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
_IPV4 = r"((25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(25[0-5]|2[0-4]\d|1?\d?\d)"
_FLOAT = r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?"


def nested(kinds: int, depth: int) -> str:
    """Brackets of some kinds nested to a depth, as an expression over a, b, c for opening and x, y, z for closing."""
    pairs = list(zip("abc", "xyz", strict=True))[:kinds]
    inner = ""
    for _ in range(depth):
        inner = f"({'|'.join(f'{a}{inner}{b}' for a, b in pairs)})*"
    return inner


GOALS = (
    Goal("D_12", nested(1, 12), "ax", 3, 1),
    Goal("Dyck(2,4)", nested(2, 4), "abxy", 0, 2),
    Goal("Dyck(3,3)", nested(3, 3), "abcxyz", 0, 2),
    Goal("Dyck(2,6)", nested(2, 6), "abxy", 0, 2),
    Goal("subsequence abc", ".*a.*b.*c.*", "abc", 3, 3),
    Goal("factor abcab", ".*abcab.*", "abc", 0, 3),
    Goal("factor abcab", ".*abcab.*", "abc", 3, 2),
    Goal("error|fail|panic", ".*(error|fail|panic).*", "bytes", 0, 4),
    Goal("error|fail|panic", ".*(error|fail|panic).*", "bytes", 2, 2),
    Goal("URL", _URL, "bytes", 0, 3),
    Goal("URL", _URL, "bytes", 1, 2),
    Goal("e-mail", _EMAIL, "bytes", 0, 5),
    Goal("e-mail", _EMAIL, "bytes", 2, 3),
    Goal("e-mail", _EMAIL, "bytes", 3, 2),
    Goal("semver", _SEMVER, "bytes", 0, 4),
    Goal("semver", _SEMVER, "bytes", 1, 3),
    Goal("IPv4", _IPV4, "bytes", 0, 4),
    Goal("IPv4", _IPV4, "bytes", 3, 1),
    Goal("C comment", r"/\*([^*]|\*+[^*/])*\*+/", "bytes", 0, 3),
    Goal("C comment", r"/\*([^*]|\*+[^*/])*\*+/", "bytes", 3, 1),
    Goal("float", _FLOAT, "bytes", 0, 2),
    Goal("float", _FLOAT, "bytes", 1, 1),
    Goal("a 5 times before b", "(a[^ab]*){5,}b.*|[^ab]*(a[^ab]*){5,}b.*", "abc", 0, 2),
)


class _Late(Exception):
    pass


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Ends the block with `_Late` after some seconds."""

    def stop(*_: object) -> None:
        raise _Late

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def measure(automaton: Automaton, options: Options, seconds: float) -> dict[str, Any]:
    """Layers, channels, hidden units and seconds of one decomposition, checked against the automaton; nothing but the reason if there is none."""
    start = time.perf_counter()
    try:
        with at_most(seconds):
            cascade = decompose(automaton, "predict", options)
    except _Late:
        return {"late": True}
    except LimitError as error:
        return {"limit": str(error)}
    spent = time.perf_counter() - start
    product = check_cascade(cascade)
    config = lower(cascade).config
    return {
        "layers": sum(block["channels"] > 0 for block in config["blocks"]),
        "channels": sum(block["channels"] for block in config["blocks"]),
        "hidden_units": config["head"]["units"] + sum(block["units"] for block in config["blocks"]),
        "seconds": round(spent, 3),
        "product_states": product,
    }


def height(automaton: Automaton) -> int | None:
    """The height of the holonomy decomposition without contexts; None where it is too large."""
    system = System.of(automaton)
    try:
        contexts = make_base(system, automaton.alphabet, limit=100_000).contexts
        return find_holonomy(system, contexts, set_limit=20_000).height
    except LimitError:
        return None


def bound(automaton: Automaton, window: int) -> int:
    """A proved least number of layers."""
    if window == 0 and needs_two_layers(automaton):
        return 2
    return int(find_tie(automaton, "predict", window) is not None)


def of_grammars(efforts: list[int], names: list[str], seconds: float) -> Iterator[dict[str, Any]]:
    """The rows of the first table."""
    for path in shipped_grammars():
        if names and path.stem not in names:
            continue
        automaton = read_language(str(path)).automaton
        row = {"grammar": path.stem, "states": automaton.states}
        try:
            found = {str(effort): measure(automaton, Options(effort=effort), seconds) for effort in efforts}
        except NotStarFreeError:
            continue
        yield row | {"height": height(automaton), "bound": bound(automaton, 3), **found}


def of_goals(efforts: list[int], names: list[str], seconds: float) -> Iterator[dict[str, Any]]:
    """The rows of the second table."""
    for goal in GOALS:
        if names and goal.name not in names:
            continue
        text = f"(?s:{goal.expression})" if goal.alphabet == "bytes" else goal.expression
        automaton = language_of(text, alphabet=goal.alphabet, syntax="python").automaton
        found = {
            str(effort): measure(automaton, Options(effort=effort, window=goal.window), seconds) for effort in efforts
        }
        yield {
            "language": goal.name,
            "expression": goal.expression,
            "alphabet": goal.alphabet,
            "states": automaton.states,
            "height": height(automaton),
            "window": goal.window,
            "goal": goal.layers,
            "bound": bound(automaton, goal.window),
            "one_layer": one_layer_suffices(automaton, goal.window),
            **found,
        }


def cell(found: dict[str, Any]) -> str:
    """One measurement: layers, channels, units, seconds."""
    if "layers" not in found:
        return f"{'-':>18}"
    return f"{found['layers']:>3}{found['channels']:>4}{found['hidden_units']:>4}{found['seconds']:>7.2f}"


def shown(number: int | None) -> str:
    """A number, or a dash where it is not known."""
    return "-" if number is None else str(number)


def markdown(rows: list[dict[str, Any]]) -> Iterator[str]:
    """The goals as a table of Markdown: layers, channels and hidden units at efforts 0 and 1."""
    yield "| language | states | height | window | bound | `--effort 0` | `--effort 1` |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for row in rows:
        found = [
            " / ".join(str(row[effort].get(key, "-")) for key in ("layers", "channels", "hidden_units"))
            for effort in ("0", "1")
        ]
        name = row["language"].replace("|", "\\|")
        cells = (name, row["states"], shown(row["height"]), row["window"], row["bound"], *found)
        yield f"| {' | '.join(map(str, cells))} |"


def main() -> None:
    """Measures and prints; with `--record` keeps the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--effort", type=int, action="append", choices=range(4))
    parser.add_argument("--grammar", action="append", default=[], help="a grammar or the name of a goal")
    parser.add_argument("--seconds", type=float, default=120)
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--goals", action="store_true")
    only.add_argument("--grammars", action="store_true")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    if given.markdown:
        print("\n".join(markdown(json.loads(RECORD.read_text())["goals"])))
        return
    efforts = given.effort or [0, 1, 2, 3]
    host = machine()
    print(machine_line(host))
    print("layers, channels, hidden units and seconds at effort " + ", ".join(map(str, efforts)))
    record: dict[str, Any] = {"machine": host, "limit_seconds": given.seconds, "grammars": [], "goals": []}
    if not given.goals:
        print(f"\n{'grammar':<20}{'states':>7}{'height':>7}{'bound':>6} " + "".join(f"{e:>14}    " for e in efforts))
        for row in of_grammars(efforts, given.grammar, given.seconds):
            record["grammars"].append(row)
            cells = "".join(cell(row[str(e)]) for e in efforts)
            print(
                f"{row['grammar']:<20}{row['states']:>7}{shown(row['height']):>7}{row['bound']:>6} {cells}", flush=True
            )
    if not given.grammars:
        print(
            f"\n{'language':<20}{'states':>7}{'height':>7}{'window':>7}{'goal':>5}{'bound':>6}{'one layer':>10} "
            + "".join(f"{e:>14}    " for e in efforts)
        )
        for row in of_goals(efforts, given.grammar, given.seconds):
            record["goals"].append(row)
            one = {True: "yes", False: "no", None: "?"}[row["one_layer"]]
            cells = "".join(cell(row[str(e)]) for e in efforts)
            print(
                f"{row['language']:<20}{row['states']:>7}{shown(row['height']):>7}{row['window']:>7}{row['goal']:>5}"
                f"{row['bound']:>6}{one:>10} {cells}",
                flush=True,
            )
    if given.record:
        lines = [f'{{"machine": {json.dumps(host)}, "limit_seconds": {given.seconds}']
        for key in ("grammars", "goals"):
            rows = ",\n  ".join(json.dumps(row) for row in record[key])
            lines.append(f' "{key}": [\n  {rows}]')
        RECORD.write_text(",\n".join(lines) + "}\n")


if __name__ == "__main__":
    main()
