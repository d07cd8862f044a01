"""Data sets as integers: what a network is trained on, and what it is tested on."""

from .datasets import DATASETS, Data, Dataset, load

__all__ = ["DATASETS", "Data", "Dataset", "load"]
