"""Measurements: what a machine is, how its scans run, and how fast a model file answers."""
