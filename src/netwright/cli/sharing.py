"""Work shared over a folder: where it lies, and what a command says of it to workers.

What passes is a name of the kind of work, and the plan of the command as the store keeps it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.cli.output import say
from netwright.core.inside import inside

if TYPE_CHECKING:
    from netwright.cli.compare import Settings
    from netwright.cli.plan import Plan

QUEUES = "queues"  # the folder of a project in which runs share their work
COMPARISON = "compare"
KINDS = {  # what one job of each is called
    "search": "trial",
    "final": "training",
    "proxies": "network",
    "audit": "network",
    COMPARISON: "search",
}


@dataclass(frozen=True)
class Shared:
    """Where and how a command shares its work.

    queue: the folder of its own. project: in which the trials keep checkpoints. command: that starts a worker. work:
    for `workshop`. stays: whether more of the command follows. aloud: whether workers that come and go are told of on
    standard output; otherwise only what the user must know, on standard error.
    """

    queue: Path
    project: Path
    command: str
    work: Mapping[str, Any]
    stays: bool = False
    aloud: bool = True

    def tell(self, text: str) -> None:
        if self.aloud:
            say(text)
        elif "netwright worker" in text:
            say(text, stream=sys.stderr)


def of_run(directory: Path, name: str, work: Mapping[str, Any], *, stays: bool = False, aloud: bool = True) -> Shared:
    """The work of a run, in a folder of its project."""
    project = Path(os.path.abspath(directory))
    command = f"netwright worker {name} --dir {project}"
    return Shared(queue_of(project, name), project, command, work, stays, aloud)


def of_folder(folder: Path, work: Mapping[str, Any], *, aloud: bool = True) -> Shared:
    """Work that belongs to no run, in a folder that the user named."""
    queue = Path(os.path.abspath(folder))
    return Shared(queue, queue, f"netwright worker {queue}", work, aloud=aloud)


def queue_of(directory: Path, name: str) -> Path:
    """Where a run shares its work; UserError for what is no name."""
    from netwright.engine.identity import check_name

    return inside(directory, QUEUES, check_name(name))


def home_of(queue: Path) -> Path:
    """The project in which a run shares its work; the queue itself where that is of no run."""
    return queue.parent.parent if queue.parent.name == QUEUES else queue


def work_of(kind: str, plan: Plan | Settings, **more: Any) -> dict[str, Any]:
    """What workers are to make. kind: one of `KINDS`; plan: of the command; more: of that kind."""
    return {"kind": kind, "plan": plan.to_json(), "folder": os.getcwd(), **more}
