"""Writes docs/reference from the code: `make docs`. Pages are functions without arguments that give their text."""
