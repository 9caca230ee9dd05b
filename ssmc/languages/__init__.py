"""What the user writes: expressions, automata files and grammar files become an Automaton."""
