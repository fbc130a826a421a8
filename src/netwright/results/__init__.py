"""What a user takes home: the final training, baselines beside it, a report, and a network in plain PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = [
    "FORMATS",
    "ClassRecall",
    "Concluded",
    "Contender",
    "Difference",
    "Exported",
    "Figures",
    "FinalResult",
    "Format",
    "Needed",
    "NotReproduced",
    "NothingTrained",
    "Reference",
    "Source",
    "Trained",
    "Verification",
    "boosted_trees",
    "check_exportable",
    "check_operations",
    "check_target",
    "conclude",
    "difference",
    "export",
    "export_run",
    "figures_of",
    "final_work",
    "formats_of",
    "linear_regression",
    "logistic_regression",
    "operations_needed",
    "read_architecture",
    "read_operations",
    "readme",
    "references",
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

if TYPE_CHECKING:
    from netwright.results.entries import final_work, training_of
    from netwright.results.exportable import check_exportable
    from netwright.results.exporting import Exported, check_target, export, read_architecture
    from netwright.results.figures import ClassRecall, Contender, Difference, Figures, difference
    from netwright.results.final import FinalResult, Trained, train_final
    from netwright.results.final_comparison import figures_of, search_facts
    from netwright.results.final_report import readme, report_lines, sentences, table
    from netwright.results.formats import FORMATS, Format, formats_of
    from netwright.results.network_source import Source, write_source
    from netwright.results.of_run import Concluded, NothingTrained, conclude, export_run, trial_of
    from netwright.results.operations import Needed, check_operations, operations_needed, read_operations
    from netwright.results.own_files import NotReproduced
    from netwright.results.plain_references import boosted_trees, linear_regression, logistic_regression
    from netwright.results.reference_models import Reference, references
    from netwright.results.verification import Verification, verify
else:  # what a command shows of a stored run needs no torch
    from netwright.core.on_demand import on_demand

    _PLACES = {
        "netwright.results.entries": ("final_work", "training_of"),
        "netwright.results.exporting": ("Exported", "check_target", "export", "read_architecture"),
        "netwright.results.exportable": ("check_exportable",),
        "netwright.results.figures": ("ClassRecall", "Contender", "Difference", "Figures", "difference"),
        "netwright.results.final": ("FinalResult", "Trained", "train_final"),
        "netwright.results.final_comparison": ("figures_of", "search_facts"),
        "netwright.results.formats": ("FORMATS", "Format", "formats_of"),
        "netwright.results.final_report": ("readme", "report_lines", "sentences", "table"),
        "netwright.results.network_source": ("Source", "write_source"),
        "netwright.results.operations": ("Needed", "check_operations", "operations_needed", "read_operations"),
        "netwright.results.of_run": ("Concluded", "NothingTrained", "conclude", "export_run", "trial_of"),
        "netwright.results.plain_references": ("boosted_trees", "linear_regression", "logistic_regression"),
        "netwright.results.reference_models": ("Reference", "references"),
        "netwright.results.own_files": ("NotReproduced",),
        "netwright.results.verification": ("Verification", "verify"),
    }
    __getattr__, __dir__ = on_demand(
        __name__, {name: f"{module}:{name}" for module, names in _PLACES.items() for name in names}
    )
