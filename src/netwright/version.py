"""The version of the package, which its build reads from this file."""

__version__ = "0.1.0"
