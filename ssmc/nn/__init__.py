"""The torch modules of the native model, and the model file."""
