"""The `model.py` of a network, written as an export writes it and imported here."""

import importlib.util

import torch

from netwright.results.exporting import files_of


def exported(task, space, folder, architecture=None):
    """The module of a network with random weights, and the network."""
    torch.manual_seed(0)
    network = space.build(architecture or space.at(0), task.shape).eval()
    files = files_of(network, task)
    (folder / "weights.safetensors").write_bytes(files.weights)
    (folder / "model.py").write_text(files.model)
    spec = importlib.util.spec_from_file_location("model", folder / "model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module, network
