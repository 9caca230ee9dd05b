"""The command line: thin click commands that parse, call one function and print."""

from ssmc.cli.program import main

__all__ = ["main"]
