"""The data that networks are judged on: read, checked, split, and kept as tensors."""

from netwright.core.task import Augmentation, Data, Examples, TaskShape
from netwright.tasks.decoded_files import decoded_in
from netwright.tasks.decoding import BadFiles
from netwright.tasks.from_arrays import arrays
from netwright.tasks.from_cifar10 import cifar10
from netwright.tasks.from_csv import csv
from netwright.tasks.from_dataset import dataset
from netwright.tasks.from_digits import digits
from netwright.tasks.from_folder import image_folder
from netwright.tasks.from_forecast import forecast
from netwright.tasks.from_labelled_texts import text_folders, text_table
from netwright.tasks.from_listed import image_table
from netwright.tasks.from_masks import mask_folder
from netwright.tasks.from_mnist import mnist
from netwright.tasks.from_npz import npz
from netwright.tasks.from_series import series
from netwright.tasks.from_text import text
from netwright.tasks.opening import from_configuration, open_task
from netwright.tasks.task import Task

PROVIDES = ("task.classify", "task.segment", "task.text")

__all__ = [
    "Augmentation",
    "BadFiles",
    "Data",
    "Examples",
    "Task",
    "TaskShape",
    "arrays",
    "cifar10",
    "csv",
    "dataset",
    "decoded_in",
    "digits",
    "forecast",
    "from_configuration",
    "image_folder",
    "image_table",
    "mask_folder",
    "mnist",
    "npz",
    "open_task",
    "series",
    "text",
    "text_folders",
    "text_table",
]
