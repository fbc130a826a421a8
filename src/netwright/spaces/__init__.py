"""Search spaces: each says in one method which networks may be built."""

from netwright.spaces.chain import Chain as Chain
from netwright.spaces.darts import Darts as Darts
from netwright.spaces.mlp import Mlp as Mlp
from netwright.spaces.nasbench101 import NasBench101 as NasBench101
from netwright.spaces.nasbench201 import NasBench201 as NasBench201
from netwright.spaces.nasbench_macro import NasBenchMacro as NasBenchMacro
from netwright.spaces.nasnet import NasNet as NasNet
from netwright.spaces.published import from_genotype as from_genotype
