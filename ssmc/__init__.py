"""ssmc: compiles regular languages into state-space models and proves them right at every input length."""

__version__ = "0.1.0"
