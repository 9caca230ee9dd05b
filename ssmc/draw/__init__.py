"""Pictures: automata, skeletons, egg-boxes, Cayley graphs and cascades as DOT, SVG, PNG and PDF."""

from ssmc.draw.automaton import draw_automaton
from ssmc.draw.cascade import draw_cascade
from ssmc.draw.monoid import draw_cayley, draw_eggbox
from ssmc.draw.render import render, write_picture
from ssmc.draw.skeleton import draw_skeleton

__all__ = ["draw_automaton", "draw_cascade", "draw_cayley", "draw_eggbox", "draw_skeleton", "render", "write_picture"]
