"""The torch modules of the native model, and the model file."""

from ssmc.nn.file import ModelFile
from ssmc.nn.formats import load_model, read_file, save_model
from ssmc.nn.model import Model, State

__all__ = ["Model", "ModelFile", "State", "load_model", "read_file", "save_model"]
