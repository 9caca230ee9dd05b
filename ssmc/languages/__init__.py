"""What the user writes: expressions, automata files and grammar files become an Automaton."""

from ssmc.languages.formats import FORMATS, write_automaton
from ssmc.languages.grammar import Grammar, parse_grammar, shipped_grammars
from ssmc.languages.patterns import pattern_set, read_pattern_set
from ssmc.languages.source import Language, language_of, read_language, read_languages
from ssmc.languages.utf8 import encoding_of, to_bytes

__all__ = [
    "FORMATS",
    "Grammar",
    "Language",
    "encoding_of",
    "language_of",
    "parse_grammar",
    "pattern_set",
    "read_language",
    "read_languages",
    "read_pattern_set",
    "shipped_grammars",
    "to_bytes",
    "write_automaton",
]
