"""What a user takes home: the final training, baselines beside it, a report, and a network in plain PyTorch."""

from netwright.results.baselines import logistic_regression
from netwright.results.entries import final_work, training_of
from netwright.results.export import Exported, check_target, export, read_architecture
from netwright.results.exportable import check_exportable
from netwright.results.figures import ClassRecall, Contender, Difference, Figures, difference
from netwright.results.final import FinalResult, Trained, train_final
from netwright.results.final_comparison import figures_of, search_facts
from netwright.results.final_report import readme, report_lines, sentences, table
from netwright.results.network_source import Source, write_source
from netwright.results.of_run import Concluded, NothingTrained, conclude, export_run, trial_of
from netwright.results.verify import NotReproduced, Verification, verify

__all__ = [
    "ClassRecall",
    "Concluded",
    "Contender",
    "Difference",
    "Exported",
    "Figures",
    "FinalResult",
    "NotReproduced",
    "NothingTrained",
    "Source",
    "Trained",
    "Verification",
    "check_exportable",
    "check_target",
    "conclude",
    "difference",
    "export",
    "export_run",
    "figures_of",
    "final_work",
    "logistic_regression",
    "read_architecture",
    "readme",
    "report_lines",
    "search_facts",
    "sentences",
    "table",
    "train_final",
    "training_of",
    "trial_of",
    "verify",
    "write_source",
]
