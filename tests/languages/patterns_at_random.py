"""Random `re` patterns over the whole supported syntax, and strings near their languages.

The source of randomness is a `random.Random`; hypothesis supplies one that it can shrink.
"""

import re
from collections import deque
from itertools import product

from ssmc.automaton import DEAD

# letters with corner cases of case folding, digits and spaces beyond ASCII, line separators, a character beyond the BMP
CHARACTERS = "abcABC019_- .\n\r\té\u00dfſsSKkİiı\u0660σςΣ\u2028\u00a0𐐀𐐨"
ANCHORS = ["^", "$", r"\A", r"\Z", r"\b", r"\B"]
ESCAPES = [r"\w", r"\W", r"\d", r"\D", r"\s", r"\S", "."]
QUANTIFIERS = ["*", "+", "?", "{2}", "{1,2}", "{,2}", "{2,}", "{1,3}"]
PREFIXES = ["", "", "", "", "(?i)", "(?m)", "(?s)", "(?ai)", "(?im)", "(?a)", "(?ims)", "(?x)"]
GROUPS = ["", "?:", "?P<NAME>", "?i:", "?s:", "?m:", "?a:", "?-i:", "?i-m:", "?>", "?#x)(?:"]


class Generator:
    """Makes patterns; `letters` are the characters that it prefers."""

    def __init__(self, random, ascii_only=False):
        self.random = random
        self.pool = [ch for ch in CHARACTERS if ch.isascii()] if ascii_only else list(CHARACTERS)
        self.letters = [*random.sample(self.pool, 3), "a", "b"]
        self.names = 0

    def literal(self):
        ch = self.random.choice(self.letters)
        kind = self.random.random()
        if kind < 0.05 and ord(ch) < 256:
            return f"\\x{ord(ch):02x}"
        if kind < 0.08 and ord(ch) < 0o400:
            return f"\\{ord(ch):03o}"
        return re.escape(ch)

    def symbol_class(self):
        items = [
            self.random.choice([self.literal(), self.literal(), re.escape(self.random.choice(self.pool)), "a-c", "A-Z",
                                r"\w", r"\W", r"\d", r"\s", r"\S", "0-9", r"\x00-\x40"])
            for _ in range(self.random.randint(1, 3))
        ]  # fmt: skip
        return "[" + self.random.choice(["", "", "^"]) + "".join(items) + "]"

    def atom(self, depth):
        kind = self.random.random()
        if kind < 0.42:
            return self.literal()
        if kind < 0.53:
            return self.random.choice(ESCAPES)
        if kind < 0.66:
            return self.symbol_class()
        if kind < 0.78:
            return self.random.choice(ANCHORS)
        if depth == 0:
            return "a"
        if kind < 0.90:
            self.names += 1
            group = self.random.choice(GROUPS).replace("NAME", f"g{self.names}")
            return f"({group}{self.alternatives(depth - 1)})"
        if kind < 0.96:
            return f"({self.random.choice(['?=', '?!'])}{self.alternatives(depth - 1)})"
        return f"({self.random.choice(['?<=', '?<!'])}{self.fixed_width()})"

    def fixed_width(self):
        conditions = ["", "", "", *ANCHORS, "(?=a)", "(?!b)", "(?<=a)", "(?<!b)"]
        out = ""
        for _ in range(self.random.randint(0, 2)):
            out += self.random.choice(conditions)
            out += self.random.choice([self.literal(), ".", r"\w", "[^a]", "(?:a|b)", "[ab]", "(?i:k)", "a{1}"])
        return out + self.random.choice(conditions)

    def repeated(self, depth):
        atom = self.atom(depth)
        if self.random.random() < 0.35:
            if atom in ANCHORS:
                atom = f"(?:{atom})"
            return atom + self.random.choice(QUANTIFIERS) + self.random.choice(["", "", "?", "+"])
        return atom

    def alternatives(self, depth):
        return "|".join(
            "".join(self.repeated(depth) for _ in range(self.random.choice([0, 1, 1, 2, 2, 3])))
            for _ in range(self.random.choice([1, 1, 1, 2, 2, 3]))
        )

    def pattern(self, depth=3):
        return self.random.choice(PREFIXES) + self.alternatives(depth)

    def strings(self, automaton, count=6):
        """Short strings over the letters, accepted strings, their mutations, and the edge cases."""
        letters = sorted({*self.letters[:4], self.random.choice(self.pool), "\n"})
        out = ["".join(w) for n in range(3) for w in product(letters, repeat=n)]
        accepted = [word_of(automaton, self.random) for _ in range(count)] if automaton.states else []
        out += accepted
        for word in accepted:
            pool = self.pool + list(word)
            for _ in range(3):
                at = self.random.randrange(len(word) + 1)
                change = self.random.choice(["", self.random.choice(pool), self.random.choice(pool) * 2])
                out.append(word[:at] + change + word[at + self.random.randint(0, 1) :])
            out.append(word + "\n")
        out += ["".join(self.random.choice(self.pool) for _ in range(self.random.randint(1, 8))) for _ in range(count)]
        return out


def word_of(automaton, random, longest=12):
    """A random accepted word of text, which turns to the nearest end after `longest` symbols."""
    distance = distances(automaton)
    alphabet = automaton.alphabet
    runs = {}
    for start, end, c in zip(alphabet.starts, (*alphabet.starts[1:], alphabet.size), alphabet.run_classes, strict=True):
        runs.setdefault(c, []).append((start, end))
    state, out = 0, []
    while state not in automaton.accepting or (len(out) < longest and random.random() < 0.7):
        ways = [(distance[r], c, r) for c, r in enumerate(automaton.delta[state]) if r != DEAD]
        if not ways:
            break
        if len(out) >= longest:
            ways = [min(ways)]
        _, c, state = random.choice(ways)
        start, end = random.choice(runs[c][: random.choice([3, len(runs[c])])])
        out.append(chr(random.choice([start, end - 1, random.randrange(start, min(end, start + 200))])))
    return "".join(out)


def distances(automaton):
    """For each state the length of the shortest word to an accepting state."""
    before = {}
    for q, row in enumerate(automaton.delta):
        for r in row:
            before.setdefault(r, set()).add(q)
    out = dict.fromkeys(automaton.accepting, 0)
    queue = deque(out)
    while queue:
        q = queue.popleft()
        for p in before.get(q, ()):
            if p not in out:
                out[p] = out[q] + 1
                queue.append(p)
    return out
