"""The torch modules of the native model, and the model file."""

from ssmc.nn.model import Model, State

__all__ = ["Model", "State"]
