"""What sets a strategy, as the command line names it, apart from the paper whose name it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping

Options = Mapping[str, str]


def departure(strategy: str) -> str:
    """What sets a strategy ("bananas:networks=3") apart from its paper, to follow "NAME is"; "" where nothing does.

    Said is what changes what a search finds or costs; each strategy's docstring says the rest.
    """
    name, _, options = strategy.partition(":")
    said = _SAID.get(name, "")
    return said if isinstance(said, str) else said(_read(options))


def _read(options: str) -> Options:
    pairs = (piece.partition("=") for piece in options.lower().replace(" ", "").split(","))
    return {key: value for key, _, value in pairs}


def _bananas(options: Options) -> str:
    if options.get("quick", "true") == "false":
        return ""
    return (
        "a quick form of BANANAS: smaller networks, another encoding, three tenths of the candidates random; "
        "bananas:quick=false is the paper's"
    )


def _nao(options: Options) -> str:
    if options.get("quick", "false") == "true":
        return "a quick form of NAO: a smaller model, 50 random architectures first in place of 600"
    return ""


def _evolution(options: Options) -> str:
    population, tournament = options.get("population", "100"), options.get("tournament", "25")
    if (population, tournament) == ("100", "25"):
        return ""
    return (
        f"regularised evolution with a population of {population} and samples of {tournament}; "
        "Real et al. (2019) have 100 and 25"
    )


def _harmonica(options: Options) -> str:
    samples, stages = options.get("samples", "100"), options.get("stages", "2")
    if (samples, stages) == ("300", "3"):
        return ""
    return f"Harmonica with {stages} stages of {samples} samples; the authors' program has 3 of 300"


def _every(batch: str, rest: str) -> Callable[[Options], str]:
    """A method whose paper learns after every trial."""

    def said(options: Options) -> str:
        count = options.get("batch", batch)
        return rest if count == "1" else f"{rest}, which learns after every {count} trials and not after each"

    return said


_SAID: Mapping[str, str | Callable[[Options], str]] = {
    "bananas": _bananas,
    "nao": _nao,
    "evolution": _evolution,
    "harmonica": _harmonica,
    "npenas": "NPENAS with an ensemble of small networks on paths in place of the paper's graph isomorphism network",
    "nasbot": _every("5", "NASBOT on graphs without widths"),
    "gp-nas": "GP-NAS without its supernet and its sampling by mutual information: its kernel, with expected "
    "improvement among random architectures",
    "auto-keras": _every("5", "Auto-Keras with exp(-beta d) of the edit distance in place of an embedding"),
    "predictor": "the neural predictor of Wen et al., which here learns ranks, and again from each batch that it chose",
    "alphax": "AlphaX with an ensemble of small networks in place of its meta-network, and rewards scaled to 0..1",
    "deep-architect": "DeepArchitect's tree search with rewards scaled to 0..1",
    "pnas": "PNAS whose two kinds of cells grow in turn, where the paper has one cell for both",
    "tpe": "a tree-structured Parzen estimator that compares whole architectures; the authors' program chooses each "
    "decision by itself",
}
