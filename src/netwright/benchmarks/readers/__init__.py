"""Readers of published tables, one file a benchmark."""
