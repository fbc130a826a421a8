"""Fast forms of what the mixed nodes of a cell compute for a mixture, with equal results."""

from netwright.supernets.fusion.groups import fuse, unfused

__all__ = ["fuse", "unfused"]
