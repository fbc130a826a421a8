"""Kinds of problems: what networks must answer, and how they are judged; one file a kind."""

METRIC_NAMES = ("accuracy", "balanced_accuracy")
"""What the kinds of problems measure, without "val_"; problems of the user's own have others."""
