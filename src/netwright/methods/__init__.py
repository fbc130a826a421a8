"""Published methods as short functions, one file a family, with each paper's defaults.

A method is a function that a file of this folder has in its `__all__`; on the command line its name has dashes. There
are two sorts: `method(space, **options)` gives a strategy, which any estimator measures for; `method(space, task,
epochs=..., seed=..., device=..., **settings)` gives a whole search on shared weights.

What their docstrings call published is each paper's headline, mostly quoted from memory: look it up before citing it.
"""

# ruff: noqa: F403
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netwright.methods.automatic import *
    from netwright.methods.bayesian import *
    from netwright.methods.blockwise import *
    from netwright.methods.continuous import *
    from netwright.methods.distributions import *
    from netwright.methods.elastic import *
    from netwright.methods.evaluators import *
    from netwright.methods.evolution import *
    from netwright.methods.fidelity import *
    from netwright.methods.fronts import *
    from netwright.methods.gates import *
    from netwright.methods.generated_weights import *
    from netwright.methods.merging import *
    from netwright.methods.microcontrollers import *
    from netwright.methods.mobile import *
    from netwright.methods.one_shot_benchmark import *
    from netwright.methods.promising_paths import *
    from netwright.methods.random_wiring import *
    from netwright.methods.recurrent_cells import *
    from netwright.methods.reinforcement import *
    from netwright.methods.robust import *
    from netwright.methods.sampling import *
    from netwright.methods.searchers import *
    from netwright.methods.sequential import *
    from netwright.methods.shared_controllers import *
    from netwright.methods.shrinking import *
    from netwright.methods.single_path import *
    from netwright.methods.sparsity import *
    from netwright.methods.stepwise import *
    from netwright.methods.studies import *
    from netwright.methods.tree_search import *
    from netwright.methods.two_level import *
    from netwright.methods.u_shaped import *
    from netwright.methods.widths import *
else:
    from netwright.core.on_demand import on_demand
    from netwright.core.public_names import declared

    _PLACES = declared(__name__, Path(__file__).parent)
    __all__ = sorted(_PLACES)
    __getattr__, __dir__ = on_demand(__name__, _PLACES)
