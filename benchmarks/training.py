"""How long layers take to train, as ratios to PyTorch's own convolution of the same size in the same run.

``python benchmarks/training.py [--images N]``: forward and backward of 64 to 64 channels, windows of 3 x 3 on images
of 16 x 16, one thread, as JSON.
"""

import argparse
import json
import statistics
import time

import torch
from torch import nn

from tnhw.train.neurons import MacConv2d, ThresholdConv2d

CHANNELS, SIZE = 64, 16
LAYERS = {
    "mac": lambda: MacConv2d(CHANNELS, CHANNELS, padding=1),
    "threshold, 8 levels": lambda: ThresholdConv2d(CHANNELS, CHANNELS, padding=1),
    "threshold, 16 levels": lambda: ThresholdConv2d(CHANNELS, CHANNELS, padding=1, levels=16),
    "threshold with gain": lambda: ThresholdConv2d(CHANNELS, CHANNELS, padding=1, gain=True),
}


def seconds(layer, x, repeats):
    """Median processor time of forward and backward, after one warm-up."""
    times = []
    for _ in range(repeats + 1):
        began = time.process_time()
        given = x.clone().requires_grad_()
        layer(given).sum().backward()
        times.append(time.process_time() - began)
    return statistics.median(times[1:])


def measure(images=64, repeats=5):
    """Ratios to ``nn.Conv2d``, by layer."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    x = torch.randint(0, 16, (images, CHANNELS, SIZE, SIZE)) / 16.0
    own = seconds(nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1), x, repeats)
    return {name: round(seconds(make(), x, repeats) / own, 1) for name, make in LAYERS.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--images", type=int, default=64)
    print(json.dumps(measure(parser.parse_args().images), indent=2))
