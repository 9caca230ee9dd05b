"""The measures of the field: is every prediction of a string right, bin by bin of length; words and near misses told apart."""

from ssmc.evaluate.callables import CallableSubject
from ssmc.evaluate.score import Score, evaluate
from ssmc.evaluate.subject import ModelSubject, Subject

__all__ = ["CallableSubject", "ModelSubject", "Score", "Subject", "evaluate"]
