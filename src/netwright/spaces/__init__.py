"""Search spaces: each says in one method which networks may be built."""

from netwright.core.among import Among
from netwright.spaces.backbone import Backbone
from netwright.spaces.beside import Beside
from netwright.spaces.block_qnn import BlockQnn
from netwright.spaces.cgp_grid import CgpGrid
from netwright.spaces.chain import Chain
from netwright.spaces.connections import Connections
from netwright.spaces.darts import Darts
from netwright.spaces.dense_nas import DenseNas
from netwright.spaces.enas_macro import EnasMacro
from netwright.spaces.encoder_decoder import EncoderDecoder
from netwright.spaces.free_graph import FreeGraph
from netwright.spaces.genetic_cnn import GeneticCnn
from netwright.spaces.grouped import GroupedChain
from netwright.spaces.hierarchical import Hierarchical
from netwright.spaces.large_scale import LargeScale
from netwright.spaces.meta_qnn import MetaQnn
from netwright.spaces.mlp import Mlp
from netwright.spaces.mobile import Mobile, published_mobile
from netwright.spaces.mobile_known import known_mobile
from netwright.spaces.nasbench1shot1 import NasBench1Shot1
from netwright.spaces.nasbench101 import NasBench101
from netwright.spaces.nasbench201 import NasBench201
from netwright.spaces.nasbench_macro import NasBenchMacro
from netwright.spaces.nasnet import NasNet
from netwright.spaces.nsga_net import NsgaNet
from netwright.spaces.published import from_genotype, published, published_cells
from netwright.spaces.randwire import RandWire
from netwright.spaces.recurrent import Recurrent
from netwright.spaces.residual import Residual
from netwright.spaces.series import Series
from netwright.spaces.skip_chain import SkipChain
from netwright.spaces.tables import Tables
from netwright.spaces.tabular import Tabular
from netwright.spaces.text_classes import TextClasses
from netwright.spaces.texts import Texts
from netwright.spaces.time_series import TimeSeries
from netwright.spaces.unet import UNet
from netwright.spaces.unet_cells import UNetCells
from netwright.spaces.usual import usual_space
from netwright.spaces.with_training import WithTraining

__all__ = [
    "Among",
    "Backbone",
    "Beside",
    "BlockQnn",
    "CgpGrid",
    "Chain",
    "Connections",
    "Darts",
    "DenseNas",
    "EnasMacro",
    "EncoderDecoder",
    "FreeGraph",
    "GeneticCnn",
    "GroupedChain",
    "Hierarchical",
    "LargeScale",
    "MetaQnn",
    "Mlp",
    "Mobile",
    "NasBench1Shot1",
    "NasBench101",
    "NasBench201",
    "NasBenchMacro",
    "NasNet",
    "NsgaNet",
    "RandWire",
    "Recurrent",
    "Residual",
    "Series",
    "SkipChain",
    "Tables",
    "Tabular",
    "TextClasses",
    "Texts",
    "TimeSeries",
    "UNet",
    "UNetCells",
    "WithTraining",
    "from_genotype",
    "known_mobile",
    "published",
    "published_cells",
    "published_mobile",
    "usual_space",
]
