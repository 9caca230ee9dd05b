"""Pictures: DOT text through pydot, rendering where Graphviz is present."""
