"""A preparation as an exported model has it: its constants and its code in a module of their own."""

import importlib.util

import torch


def module_of(preparation, folder):
    """The module with `read`, `prepared` and `ENDINGS`; it may import nothing of netwright."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "model.py"
    constants = "".join(f"{name} = {value!r}\n" for name, value in preparation.constants().items())
    code = preparation.code()
    assert "netwright" not in code
    path.write_text(f"from __future__ import annotations\n{constants}\n{code}", encoding="utf-8")
    spec = importlib.util.spec_from_file_location("exported_model", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def own_inputs(task, folder, count=1000):
    """The user's own files of the first test examples, read and prepared by the exported code: uint8 or float32."""
    module = module_of(task.preparation, folder / "exported")
    kept = folder / "own"
    kept.mkdir(exist_ok=True)
    parts = []
    for path in task.preparation.own_files(count, kept):
        assert path.suffix.lower() in module.ENDINGS
        names, raw = module.read(path)
        parts.append(module.prepared(raw))
        assert len(names) == len(parts[-1])
    return torch.cat(parts)[:count]
