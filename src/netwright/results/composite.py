"""Layers of torch.nn that are made of other layers: what their constructors were given, read from their parts."""

from __future__ import annotations

from typing import Any

from torch import nn


def composite_arguments(module: nn.Module) -> dict[str, Any] | None:
    """Arguments by name, some of them layers and functions themselves; None for a layer that holds no others.

    None also where other layers were put in the places of its own.
    """
    try:
        return _arguments(module)
    except AttributeError:
        return None


def _arguments(module: nn.Module) -> dict[str, Any] | None:
    if isinstance(module, nn.TransformerEncoderLayer | nn.TransformerDecoderLayer):
        return _transformer_layer(module)
    if isinstance(module, nn.TransformerEncoder):
        nested = {"enable_nested_tensor": bool(module.use_nested_tensor), "mask_check": module.mask_check}
        return {"encoder_layer": module.layers[0], "num_layers": len(module.layers), "norm": module.norm} | nested
    if isinstance(module, nn.TransformerDecoder):
        return {"decoder_layer": module.layers[0], "num_layers": len(module.layers), "norm": module.norm}
    return None


def _transformer_layer(module: nn.TransformerEncoderLayer | nn.TransformerDecoderLayer) -> dict[str, Any]:
    attention = module.self_attn
    return {
        "d_model": attention.embed_dim,
        "nhead": attention.num_heads,
        "dim_feedforward": module.linear1.out_features,
        "dropout": module.dropout.p,
        "activation": module.activation,
        "layer_norm_eps": module.norm1.eps,
        "batch_first": attention.batch_first,
        "norm_first": module.norm_first,
        "bias": module.linear1.bias is not None,
    }
