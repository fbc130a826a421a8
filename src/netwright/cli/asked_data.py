"""The options about how data is read, each typed once, for every command that reads some.

One that is marked with `Reads` goes to the reader by the name that it says. Annotations are evaluated as they stand.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from netwright.cli.taking import After, Reads, reading


@dataclass(frozen=True)
class DataOptions:
    """How DATA is read."""

    data_dir: Annotated[Path | None, typer.Option(help="Where the files of cifar10 or mnist lie."), After("seed")] = (
        None
    )
    examples: Annotated[
        int | None,
        typer.Option(help="Use so many examples of the data, drawn evenly over the classes."),
        Reads("limit"),
    ] = None
    image_size: Annotated[
        int | None, typer.Option(help="Resize a folder's images to this many pixels a side."), Reads("size")
    ] = None
    target_column: Annotated[
        str | None,
        typer.Option(help="The column of a .csv file that holds the class or number; several as a,b."),
        Reads("target"),
    ] = None
    problem: Annotated[
        str | None,
        typer.Option(help="What is asked for: classification, labels (several) or regression; found out if left out."),
        Reads("problem"),
    ] = None
    loss: Annotated[
        str | None,
        typer.Option(help="Of a regression: squared (default), absolute, huber, quantile or quantile:0.1,0.5,0.9."),
        Reads("loss"),
    ] = None
    separator: Annotated[
        str | None,
        typer.Option(help="What stands between several labels in one cell: ';', '|', ...; found out if left out."),
        Reads("separator"),
    ] = None
    group_column: Annotated[
        str | None,
        typer.Option(
            help="A column, or an array of a .npz file: rows with the same value are never on two sides of a split."
        ),
        Reads("group_column"),
    ] = None
    weight_column: Annotated[
        str | None,
        typer.Option(help="A column, or an array of a .npz file: what each row counts in the loss and the metrics."),
        Reads("weight_column"),
    ] = None
    time_column: Annotated[
        str | None,
        typer.Option(help="A column of dates or numbers: the last rows are tested on, those before validated on."),
        Reads("time_column"),
    ] = None
    test: Annotated[
        Path | None, typer.Option(help="A second .csv or .npz file, with the test split."), Reads("test")
    ] = None
    validation: Annotated[
        Path | None, typer.Option(help="A .csv file to validate on during the search."), Reads("validation")
    ] = None
    drop: Annotated[
        tuple[str, ...], typer.Option(help="Leave this column of a table out; repeatable."), Reads("drop")
    ] = ()
    categories: Annotated[
        str | None,
        typer.Option(help="Texts of a table as 0/1 features or as numbers: one-hot (default) or ordinal."),
        Reads("categories"),
    ] = None
    header: Annotated[
        bool | None,
        typer.Option("--header/--no-header", help="Whether a table's first row names its columns."),
        Reads("header"),
    ] = None
    delimiter: Annotated[
        str | None,
        typer.Option(help="What separates a table's columns: ';', tab, space, ...; found out if left out."),
        Reads("delimiter"),
    ] = None
    skip_bad: Annotated[
        str | None,
        typer.Option(help="Leave out images that cannot be read: up to 3%, or a number; 1% where none is given."),
        Reads("skip_bad"),
    ] = None
    tile: Annotated[
        int | None,
        typer.Option(help="Cut images with masks into tiles of so many pixels a side; as fits them if left out."),
        Reads("tile"),
    ] = None
    ignore: Annotated[
        str | None,
        typer.Option(help="Number in masks that is not asked for, or none; 255 beside 0, 1, 2, ... if left out."),
        Reads("ignore"),
    ] = None
    class_weights: Annotated[
        str | None,
        typer.Option(help="What each class, or label, counts in training: balanced, or a number each as 1,5."),
        Reads("class_weights"),
    ] = None
    dice: Annotated[
        float | None,
        typer.Option(help="Share of the loss of masks that is 1 - Dice; the rest is cross entropy."),
        Reads("dice"),
    ] = None
    decoded: Annotated[
        str | None,
        typer.Option(help="Where decoded images are: memory, or a file of the project; by default as they fit."),
        Reads("decoded"),
    ] = None
    most_categories: Annotated[
        int | None,
        typer.Option(help="Texts of a column that are told apart, the most frequent ones; 64 by default.", min=1),
        Reads("most_categories"),
    ] = None
    nan: Annotated[
        str | None,
        typer.Option(help="What to do with missing numbers: error, impute-median, indicate (of tables) or drop."),
        Reads("nan"),
    ] = None
    layout: Annotated[
        str | None,
        typer.Option(help="Of pictures in a .npz file: channels-first or channels-last; seen if left out."),
        Reads("layout"),
    ] = None
    text_column: Annotated[
        tuple[str, ...],
        typer.Option(help="The column of a table that holds texts, whose class is asked for; repeatable."),
        Reads("text"),
    ] = ()
    tokens: Annotated[
        str | None,
        typer.Option(help="What is read of a text file: characters (default), words or bytes."),
        Reads("tokens"),
    ] = None
    window: Annotated[
        int | None,
        typer.Option(help="How many tokens of a text, or times of a series, a network is given at once."),
        Reads("window"),
    ] = None
    data_option: Annotated[
        tuple[str, ...],
        typer.Option(help="A further option of how DATA is read, as words=5000 or split_seed=3; repeatable."),
        Reads(),
    ] = ()

    @property
    def read_as(self) -> dict[str, Any]:
        """What of this a plan remembers: `data_dir` and `data_options`."""
        return {"data_dir": str(self.data_dir) if self.data_dir else None, "data_options": reading(self)}
