"""How well hyperparameters explain the examples (Rasmussen and Williams 2006, section 5.4.1), and which do best."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from netwright.predictors.gaussian_process.posterior import Factor
from netwright.predictors.kernels.kernel import Hyperparameter

if TYPE_CHECKING:
    from netwright.predictors.kernels.kernel import Kernel

SIGNAL = Hyperparameter("signal_variance", 1.0, 1e-2, 1e2)  # of values with variance 1
NOISE = Hyperparameter("noise_variance", 0.05, 1e-5, 2.0)
PRIOR_DEVIATION = 2.0  # of the logarithm of each hyperparameter around its start


def log_marginal_likelihood(
    kernel: Kernel, measures: np.ndarray, own: np.ndarray, scores: np.ndarray, logs: np.ndarray
) -> tuple[float, np.ndarray]:
    """The log of p(scores | hyperparameters), equation 2.30, and its derivatives, equation 5.9.

    measures: of all pairs of examples.
    own: of each with itself.
    logs: of the kernel's hyperparameters, the signal's variance and that of the noise.
    """
    signal, noise = np.exp(logs[-2:])
    covariance = kernel.covariance(measures, logs[:-2])
    np.fill_diagonal(covariance, kernel.covariance(own, logs[:-2]))
    factor = Factor(signal * covariance + noise * np.eye(len(scores)))
    solved = factor.solve_both(scores)
    value = -0.5 * (scores @ solved + factor.log_determinant() + len(scores) * np.log(2 * np.pi))
    weights = 0.5 * (np.outer(solved, solved) - factor.inverse())
    inner = kernel.gradient(measures, covariance, logs[:-2], signal * weights)
    by_signal = signal * np.vdot(weights, covariance)
    return float(value), np.array([*inner, by_signal, noise * np.trace(weights)])


def hyperparameters(kernel: Kernel, noise: float | None) -> tuple[Hyperparameter, ...]:
    """Those of the kernel, then the variances of signal and noise.

    noise: keeps it fixed at that variance.
    """
    fixed = NOISE if noise is None else Hyperparameter(NOISE.name, noise, noise, noise)
    return *kernel.hyperparameters(), SIGNAL, fixed


def learn(
    kernel: Kernel,
    measures: np.ndarray,
    own: np.ndarray,
    scores: np.ndarray,
    starts: np.ndarray,
    known: tuple[Hyperparameter, ...],
    iterations: int,
) -> np.ndarray:
    """The logarithms that maximise likelihood times prior, by L-BFGS from each start, shape (starts, parameters).

    The prior of each logarithm is normal around its `start` with deviation 2: with ten examples it keeps lengths from
    running off, with a hundred it is hardly felt.
    """
    center = np.log([each.start for each in known])
    bounds = [(float(np.log(each.least)), float(np.log(each.most))) for each in known]

    def loss(logs: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = log_marginal_likelihood(kernel, measures, own, scores, logs)
        off = (logs - center) / PRIOR_DEVIATION
        return 0.5 * float(off @ off) - value, off / PRIOR_DEVIATION - slope

    best: tuple[float, np.ndarray] | None = None
    for start in starts:
        found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": iterations})
        if best is None or found.fun < best[0]:
            best = float(found.fun), found.x
    assert best is not None
    return best[1]
