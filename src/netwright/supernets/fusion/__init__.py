"""Fast forms of what the mixed nodes of a cell compute for a mixture, with equal results."""

from netwright.supernets.fusion.groups import fuse, is_fused, unfused

__all__ = ["fuse", "is_fused", "unfused"]
