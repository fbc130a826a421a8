"""What a predictor says of an architecture, as an estimator."""

from __future__ import annotations

from collections.abc import Sequence

from netwright.core.architecture import Architecture
from netwright.core.errors import ConfigurationError, UserError
from netwright.core.estimator import Estimator
from netwright.core.trial import Measurement, Proposal
from netwright.predictors.predictor import Predictor

PROVIDES = ("est.predictor",)


class Predicted(Estimator):
    """Measures "predicted" and "deviation": a predictor's mean and one standard deviation, in units of what it learnt.

    Any strategy can so search on a predictor, and a search can set limits on what is predicted before it trains
    anything: put it in front of other estimators in a `Stack`.

    predictor: of the score; it is not changed: a copy of it is fitted here.
    architectures, values: the examples; architectures may be text that the predictor's space parses. By default those
        that the predictor was fitted to.
    seed: of the fit.

    Raises ConfigurationError where there are no examples at all, and for unequal numbers of both.
    """

    metrics = ("predicted", "deviation")

    def __init__(
        self,
        predictor: Predictor,
        architectures: Sequence[Architecture | str] = (),
        values: Sequence[float] = (),
        seed: int = 0,
    ) -> None:
        if not len(architectures) and not len(values):
            if predictor.examples is None:
                raise ConfigurationError("Predicted needs examples: architectures and values, or a fitted predictor")
            architectures, values = predictor.examples.architectures, predictor.examples.values.tolist()
        self.space = space = predictor.space
        examples = [each if isinstance(each, Architecture) else space.parse(each) for each in architectures]
        self.predictor = predictor.replace()
        self.predictor.fit(examples, values, seed)
        # In the form that JSON holds, so that the configuration is complete and a copy is fitted alike.
        plain = {"architectures": [str(each) for each in examples], "values": [float(each) for each in values]}
        self._arguments.update(plain)

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        """Mean and deviation of an architecture. Raises UserError for a mixture and another space's architecture."""
        if not isinstance(proposal.candidate, Architecture):
            raise UserError("Predicted predicts architectures; a mixture of all options was proposed")
        found = self.predictor.predict([proposal.candidate])
        return Measurement({"predicted": float(found.mean[0]), "deviation": float(found.deviation[0])})
