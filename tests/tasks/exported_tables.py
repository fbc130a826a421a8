"""An exported table reader, as `model.py` holds it: constants and code, without netwright."""

import importlib.util
import sys
from pathlib import Path

import torch


def written(preparation, folder: Path):
    """The preparation's constants and code as a module of its own."""
    folder.mkdir(exist_ok=True)
    path = folder / "columns_of_a_table.py"
    imports, _, rest = preparation.code().partition("\n\n\n")
    constants = "\n".join(f"{name} = {value!r}" for name, value in preparation.constants().items())
    path.write_text(f"{imports}\n\n\n{constants}\n\n\n{rest}", encoding="utf-8")
    assert "netwright" not in path.read_text(encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules.pop(path.stem, None)
    return module


def features(task, folder: Path, files=None) -> torch.Tensor:
    """The features that the exported code finds in the user's own files; by default the first 10,000 test rows."""
    module = written(task.preparation, folder)
    found = [module.prepared(module.read(path)[1]) for path in files or task.preparation.own_files(10_000, folder)]
    return torch.cat(found)
