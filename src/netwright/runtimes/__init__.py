"""Networks as files for runtimes other than PyTorch, each checked against the network it was made from."""

from netwright.runtimes.onnx_file import NotTheSame, OnnxFile, write_onnx

__all__ = ["NotTheSame", "OnnxFile", "write_onnx"]
