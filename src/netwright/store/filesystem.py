"""On which kind of file system a directory lies: WAL needs shared memory, which network file systems lack."""

from __future__ import annotations

import os
from pathlib import Path

_NETWORK = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "glusterfs", "beegfs", "gpfs")
_MOUNTS = Path("/proc/self/mounts")


def on_network(directory: Path, mounts: str | None = None) -> bool:
    """Whether the directory lies on a network or user-space (FUSE) file system; False where that is unknown.

    mounts: what /proc/self/mounts says, read from there where None.
    """
    if mounts is None:
        try:
            mounts = _MOUNTS.read_text()
        except OSError:
            return False
    kind = _kind(os.path.realpath(directory), mounts)
    return kind in _NETWORK or kind.startswith("fuse.")


def _kind(path: str, mounts: str) -> str:
    best, kind = "", ""
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        place = fields[1].encode().decode("unicode_escape")
        inside = path == place or path.startswith(place.rstrip("/") + "/")
        if inside and len(place) >= len(best):
            best, kind = place, fields[2]
    return kind
