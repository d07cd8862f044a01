"""The space of a search, against an enumeration of everything that can be drawn."""

import pytest
from search_tools import optuna  # noqa: F401  (without it there is nothing to test)

from tnhw.data import datasets
from tnhw.errors import InputError
from tnhw.exploration.space import RULES, space_for
from tnhw.train.recipes import KINDS

LETTER, MNIST = (datasets.find(name) for name in ("letter", "mnist"))


def everything(space, dataset):
    """All recipes that can be drawn, by going through all answers of `draw`."""
    found, waiting = [], [()]
    while waiting:
        answers, counts = waiting.pop(), []

        def draw(name, count, ordered, answers=answers, counts=counts):
            counts.append(count)
            return answers[len(counts) - 1] if len(counts) <= len(answers) else 0

        found.append(space.recipe(dataset, draw))
        for place in range(len(answers), len(counts)):
            before = (*answers, *[0] * (place - len(answers)))
            waiting += [(*before, answer) for answer in range(1, counts[place])]
    return found


@pytest.mark.parametrize(
    "dataset, given",
    [
        (LETTER, {"widths": (8, 16), "hidden_layers": (1, 2)}),
        (LETTER, {"rules": ("threshold",), "bits": (2, 3, 4), "levels": (2, 8, 16), "widths": (8,)}),
        (LETTER, {"rules": ("shift", "mac"), "inject": (0, 1, 4), "hidden_layers": (1,), "rates": (0.01, 0.1)}),
        (MNIST, {"rules": ("ternary",), "widths": (4, 8), "epochs": (1, 2)}),
    ],
)  # fmt: skip
def test_size_is_the_number_of_networks(dataset, given):
    space = space_for(dataset, given)
    recipes = everything(space, dataset)
    assert len(set(recipes)) == space.size(dataset) > 4


def test_first_trials_are_the_known_recipes():
    space = space_for(LETTER, {})
    for number, kind in enumerate(RULES):
        wanted = space.first(LETTER, number)
        recipe = space.recipe(LETTER, lambda name, count, ordered: wanted[name])  # noqa: B023
        assert recipe.hidden == ("64", "64") and recipe.bits == 4 and recipe.inject == 0
        assert all(getattr(recipe, key) == value for key, value in KINDS[kind].items())
        assert recipe.epochs == 80 and recipe.weight_bits == 4
    assert space.first(LETTER, len(RULES)) == {}


def test_convolutions_stay_convolutions():
    space = space_for(MNIST, {"rules": ["mac"]})
    assert space.hidden_layers == (2,) and space.epochs == (8,)
    recipes = everything(space, MNIST)
    assert {recipe.hidden[0] for recipe in recipes} == {f"{n}c3s2p1" for n in (4, 6, 8, 12)}


def test_levels_that_activations_cannot_tell_apart():
    space = space_for(LETTER, {"rules": ["threshold"], "levels": [16], "bits": [3], "widths": [8]})
    assert {recipe.levels for recipe in everything(space, LETTER)} == {8}


@pytest.mark.parametrize(
    "given, text",
    [
        ({"rules": ["thresold"]}, "no rule 'thresold'; did you mean `threshold`"),
        ({"levels": [12]}, "`levels` must be powers of two, not 12"),
        ({"levels": [32]}, "integers of 1 to 16, not 32"),
        ({"bits": [0]}, r"`bits` \(bits of activations\) must be integers of 1 to 8, not 0"),
        ({"bits": [4, 4]}, "a value is there twice"),
        ({"widths": []}, "give at least one value"),
        ({"hidden_layers": [0]}, "integers of 1 to 8, not 0"),
        ({"rates": [0.0]}, "above 0 and below 10, not 0.0"),
        ({"epochs": [2.5]}, "integers of 1 to 100000, not 2.5"),
    ],
)
def test_wrong_values(given, text):
    with pytest.raises(InputError, match=text):
        space_for(LETTER, given)


def test_wrong_number_of_convolutions():
    with pytest.raises(InputError, match="whose number is held at 2"):
        space_for(MNIST, {"hidden_layers": [1]})
