"""Model cards: a page about the models of a folder, made from the cards in their files.

python -m tnhw.train.cards models    # writes models/README.md
"""

import sys
from pathlib import Path

from ..network import Network
from ..support.files import write_files

__all__ = ["page"]

HEAD = """\
# Models

Trained networks that travel with tnhw. `python -m tnhw.train.cards models` makes this page from the files:
edit neither the page nor the numbers. Each file holds integers only, and a card: data, licence of the data,
recipe, seed, score. Seed 0 is shipped, not the best seed; [docs/training.md](../docs/training.md) has means over seeds.

*score*: of the integer golden model on the test part, which served no choice. *synapses*: with those that look at
a complemented input, and absent ones. *bits*: stored, a synapse. `digits` models are trained on what is the test
set of `optdigits`, so the two are never mixed.

| model | rule | layers | score | synapses | present | bits |
|---|---|---|---|---|---|---|
"""


def page(folder):
    """Text of a folder's README.md, about its ``*.npz`` files in the order of their names."""
    networks = [Network.load(path) for path in sorted(Path(folder).glob("*.npz"))]
    rows = "".join(_row(network) for network in networks)
    return HEAD + rows + "\n" + "\n".join(_card(network) for network in networks)


def _row(network):
    card = network.card
    bits = card["stored_bits"] / card["synapses"]
    rules = ", ".join(dict.fromkeys(layer.keys.rule for layer in network.layers))
    gain = " with gain" if any(layer.keys.gain for layer in network.layers) else ""
    present = sum(int((_values(layer) != 0).sum()) for layer in network.layers)
    return (
        f"| `{network.name}` | {rules}{gain} | {_shapes(network)} | {card['score']:.2f} {card['unit']} | "
        f"{card['synapses']} | {present} | {bits:g} |\n"
    )


def _values(layer):
    """The array of a layer that is 0 where a synapse is absent. (An AdderNet synapse is never absent.)"""
    arrays = layer.arrays
    return arrays["sign"] if "sign" in arrays else arrays["weight"]


def _shapes(network):
    """For example ``28x28x1-14x14x8-10``."""
    shapes = [network.shape, *(layer.out_shape for layer in network.layers)]
    return "-".join("x".join(map(str, s if s[0] > 1 else s[-1:])) for s in shapes)


def _card(network):
    card = network.card
    recipe = ", ".join(
        f"{key} {'-'.join(value) if isinstance(value, list) else value}"
        for key, value in card["recipe"].items()
    )
    return (
        f"## {network.name}\n\n"
        f"Data: {card['data']}; {card['licence']}. Fitted to {card['fitted_to']}; measured on "
        f"{card['measured_on']}: {card['score']:.3f} {card['unit']}.\n\n"
        f"Recipe: {recipe}, seed {card['seed']}.\n\n"
        f"    {card['command']}\n"
    )


def main():
    """Write README.md of the folder that the command line names."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "models")
    write_files(folder, {"README.md": page(folder)})
    print(f"wrote {folder / 'README.md'}")


if __name__ == "__main__":
    main()
