"""Data sets as integers, for the training and the test of networks."""

from .datasets import DATASETS, Data, Dataset, load, register

__all__ = ["DATASETS", "Data", "Dataset", "load", "register"]
