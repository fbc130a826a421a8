"""What sets a method, as the command line names it, apart from the paper and the program whose name it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from netwright.engine.rounds import round_estimator
from netwright.methods.sizes import SIZES

if TYPE_CHECKING:
    from netwright.core.strategy import Strategy
    from netwright.engine.search import Search

Options = Mapping[str, str]


def departure(method: str) -> str:
    """What sets a method ("bananas:networks=3") apart from its paper and program, to follow "this is"; "" for nothing.

    Said is what changes what a search finds or costs; each method's docstring says the rest.
    """
    name, _, options = method.partition(":")
    said = _SAID.get(name, "")
    return said if isinstance(said, str) else said(_read(options))


def shortened(recipe: str, search: Search) -> str:
    """In what a search of fewer steps than the paper's has other settings than the paper; "" where in nothing.

    What the recipe was given ("darts:architecture_rate=0.001") is not spoken of.
    """
    from netwright.methods.weight_sharing import training_steps

    estimator: Any = round_estimator(search.estimator)
    steps, (name, _, given) = training_steps(estimator), recipe.partition(":")
    said = [
        *_faster(given, search.strategy, steps),
        *_fewer(name, given, search.strategy),
        *_statistics(name, given, search),
    ]
    return f"{steps:,} steps are fewer than the paper's, so {', '.join(said)}" if said else ""


def _faster(given: str, strategy: Strategy, steps: int) -> list[str]:
    from netwright.methods.weight_sharing import PUBLISHED_STEPS
    from netwright.strategies.differentiable import Adam, Differentiable

    if "architecture_rate" in given or steps >= PUBLISHED_STEPS or not isinstance(strategy, Differentiable):
        return []
    optimiser = strategy.optimiser
    return [f"logits learn at {optimiser.learning_rate:.2g}"] if isinstance(optimiser, Adam) else []


def _fewer(name: str, given: str, strategy: Strategy) -> list[str]:
    from netwright.methods.single_path import EVALUATIONS
    from netwright.strategies.paths import Screening, TrainThenSearch

    most = EVALUATIONS.get(name, 0)
    asked = any(each in given for each in ("population", "generations", "evaluations", "candidates"))
    if asked or not isinstance(strategy, TrainThenSearch):
        return []
    inner = strategy.search
    count = inner.candidates if isinstance(inner, Screening) else strategy.evaluations
    return [f"{count:,} architectures are scored, not {most:,}"] if count < most else []


def _statistics(name: str, given: str, search: Search) -> list[str]:
    from netwright.methods import elastic, single_path

    most = elastic.STATISTICS if name == "once-for-all" else single_path.STATISTICS
    estimator: Any = round_estimator(search.estimator)
    images = estimator.recalibrate * estimator.settings.batch_size
    everything = len(estimator.task.train) * (1 - estimator.validation)
    if "recalibrate" in given or not images or images >= min(most, everything):
        return []
    return [f"statistics for each are of {images:,} images, not {most:,}"]


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


_A = {"explored": "an exploration"}


def _smaller(name: str, sizes: Mapping[str, int], rest: str = "") -> Callable[[Options], str]:
    """A method of evolution whose numbers a small budget may have made smaller.

    sizes: the paper's, by option.
    rest: what else sets it apart, whatever the options.
    """

    def said(options: Options) -> str:
        given = {option: options.get(option, str(size)) for option, size in sizes.items()}
        numbers = [
            f"{_A.get(name, f'a {name}')} of {given[name]} in place of {size}"
            for name, size in sizes.items()
            if given[name] != str(size)
        ]
        found = [each for each in (rest, " and ".join(numbers)) if each]
        return f"{name} with {', and '.join(found)}" if found else ""

    return said


def _from_nothing(options: Options) -> str:
    said = _smaller("large-scale evolution", SIZES["large-scale-evolution"])(options)
    if not said or options.get("mutations", "0") != "0":
        return said
    return f"{said}; it begins with networks without layers, and mutations=20 further on, which suits so few trials"


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
    "enas": "ENAS whose controller chooses inputs by a softmax each, where its program attends to nodes, with fewer "
    "and narrower cells than its program's unless --space says otherwise",
    "enas-macro": "ENAS whose controller decides on each skip connection by a softmax, where its program attends to "
    "layers, with narrower layers than its program's unless --space says otherwise",
    "enas-rnn": "ENAS without its penalties on the sizes and the changes of states",
    "snas": "SNAS without its penalty on resources",
    "data-nas": "DATA that keeps one operation a decision in the end, where its program may keep several",
    "cars": "CARS in which the accuracy of a newborn has grown from its parent's",
    "pvll-nas": "PVLL-NAS with a regression and a warm-up that are guesses, as its program is not public",
    "gross": "GroSS whose terms learn from the start, where the paper decomposes a network that is trained",
    "mergenas": "MergeNAS whose separable and dilated convolutions stay apart, as its program is not public",
    "nasbench1shot1": "NAS-Bench-1Shot1 with a decision for each edge, where its program takes a softmax over parents",
    "setn": "SETN that draws what it compares in the end, where its program takes what is likeliest",
    "dsnas": "DSNAS without its progressive early stop and its penalty on operations",
    "proxylessnas": "ProxylessNAS without its penalty on latency, which compares two paths as the paper does, where "
    "its program takes all of them",
    "xnas": "XNAS with constants that are a guess, as its program is not public",
    "sgas": "SGAS with minibatches of one size, which grow with each decision in its program",
    "dropnas": "DropNAS with one step of the optimiser for loss and decay, where its program takes two",
    "single-path-one-shot": "SPOS on paths that are uniform in the decisions, where its program makes their "
    "multiply-adds uniform",
    "fairnas": "FairNAS as its paper describes it, with a number of generations of our own; its program is not public",
    "one-shot": "one-shot search with a dropout rate, epochs and evaluations of our own",
    "random-weight-sharing": "random search with weight sharing that looks at candidates once, where its program does "
    "so anew for each 10,000 training steps",
    "smash": "SMASH whose hypernetwork makes all weights that decisions bring, where that of its program makes 1x1 "
    "convolutions of a space of memory banks, and whose noise is drawn once",
    "ghn": "GHN with the widths of a later public code, as its program is not public, which takes the best by made "
    "weights, where the paper trains the ten best",
    "hypernetworks": "static hypernetworks in place of a supernet, with a search of our own, as the paper has none",
    "mdenas": "MDENAS as its paper describes it, as its program is not public",
    "bananas": _bananas,
    "nao": _nao,
    "evolution": _evolution,
    "amoebanet": _smaller("AmoebaNet's search", SIZES["amoebanet"], "fewer and narrower cells than its paper's"),
    "harmonica": _harmonica,
    "cgp-cnn": "CGP-CNN whose last layer reads an average over places, where the paper's reads all of them",
    "hierarchical": _smaller(
        "the hierarchical search", SIZES["hierarchical"], "1x1 convolutions where several edges meet"
    ),
    "large-scale-evolution": _from_nothing,
    "randwire": "RandWire with half of the paper's nodes and a fifth of its channels, unless --space says otherwise",
    "miller": _smaller("Miller's search", SIZES["miller"]),
    "genetic-cnn": _smaller("Genetic CNN", SIZES["genetic-cnn"]),
    "nsga-net": _smaller("NSGA-Net", SIZES["nsga-net"]),
    "lcranknet": "LCRankNet with a linear model on curves and architectures in place of its networks",
    "npenas": "NPENAS with an ensemble of small networks on paths in place of the paper's graph isomorphism network",
    "nasbot": _every("5", "NASBOT on graphs without widths"),
    "gp-nas": "GP-NAS without its supernet and its sampling by mutual information: its kernel, with expected "
    "improvement among random architectures",
    "auto-keras": _every("5", "Auto-Keras with exp(-beta d) of the edit distance in place of an embedding"),
    "predictor": "the neural predictor of Wen et al., which here learns ranks, and again from each batch that it chose",
    "alphax": "AlphaX with an ensemble of small networks in place of its meta-network, and rewards scaled to 0..1",
    "deep-architect": "DeepArchitect's tree search with rewards scaled to 0..1",
    "deep-architect2": "DeepArchitect's searchers on decisions of a space, with rewards scaled to 0..1 and a ridge on "
    "one-hot codes in place of hashed features",
    "blockqnn": "BlockQNN with weights of multiply-adds and density that are a guess, which learns after each block",
    "cnas": "CNAS with a step of the controller behind each of the weights, and a softmax on inputs, not attention",
    "irlas": "IRLAS with features of topology and a weight of likeness of our own, as its program is not public",
    "memnas": "MemNAS on any space, with numbers of our own, as its program is not public",
    "nas-rl": "NAS-RL with one controller in place of its hundred, and a softmax on sources in place of anchor points",
    "nasnet": "NASNet's controller with batches and steps of our own, of which its paper does not speak",
    "pnas": "PNAS whose two kinds of cells grow in turn, where the paper has one cell for both",
    "lemonade": "LEMONADE with changes of any decision in place of exact morphisms, and cheap "
    "objectives that are predicted",
    "parego": "ParEGO that compares mutations of the best, and begins with random architectures",
    "ppp-net": "PPP-Net with perceptrons in place of a recurrent network, in any space whose cells grow by blocks",
    "nsga2": "NSGA-II with a fifth of the paper's population, which measures no network twice",
    "tpe": "a tree-structured Parzen estimator that compares whole architectures; the authors' program chooses each "
    "decision by itself",
}
