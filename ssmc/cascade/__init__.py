"""How the automaton decomposes: contexts, levels, reduction, the IR and its interpreter."""
