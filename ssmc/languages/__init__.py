"""What the user writes: expressions, automata files and grammar files become an Automaton."""

from ssmc.languages.grammar import Grammar, parse_grammar, shipped_grammars
from ssmc.languages.source import Language, language_of, read_language
from ssmc.languages.utf8 import to_bytes

__all__ = ["Grammar", "Language", "language_of", "parse_grammar", "read_language", "shipped_grammars", "to_bytes"]
