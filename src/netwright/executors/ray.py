"""Trials on a Ray cluster, or on one that is started on this machine (extra `ray`).

Importing this needs no Ray; making the executor does.
"""

from netwright.executors.on_ray.ray_executor import Ray

__all__ = ["Ray"]
