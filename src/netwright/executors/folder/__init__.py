"""Trials by workers over a folder that their machines share, without any port (see `session` for the files)."""

from netwright.executors.folder.driver import Folder
from netwright.executors.folder.folder_session import end
from netwright.executors.folder.folder_worker import NobodyCame, Worker, serve
from netwright.executors.folder.messages import Kit

__all__ = ["Folder", "Kit", "NobodyCame", "Worker", "end", "serve"]
