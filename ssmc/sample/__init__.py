"""Strings of a language: uniform by exact counting, walks, the sources of the literature, near misses, and labels for training."""

from ssmc.sample.counting import WordCounts
from ssmc.sample.draw import METHODS, Sample, Settings, draw_samples
from ssmc.sample.labels import next_sets
from ssmc.sample.machine import Machine
from ssmc.sample.near import near_miss
from ssmc.sample.sources import dyck_weights, flip_flop_string

__all__ = [
    "METHODS",
    "Machine",
    "Sample",
    "Settings",
    "WordCounts",
    "draw_samples",
    "dyck_weights",
    "flip_flop_string",
    "near_miss",
    "next_sets",
]
