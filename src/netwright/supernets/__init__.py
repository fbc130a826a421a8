"""All networks of a space in one, with shared weights."""

from netwright.supernets.supernet import Supernet

__all__ = ["Supernet"]
