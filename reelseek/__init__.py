"""Reelseek's vocabulary: settings, records, errors and time codes. It imports nothing else of the project."""

__version__ = "0.1.0"
