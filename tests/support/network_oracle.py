"""What networks must compute, in plain Python loops over integers: shares no code with tnhw.

A network is a dict as `tnhw.network.Network` takes it, with `layers` and `arrays`.
"""

import oracle

CHANNELS = (
    "steps",
    "falling",
    "multiplier",
    "offset",
)  # what happens behind the sum of each channel


def flat(values):
    """Numbers of nested lists in order."""
    if not isinstance(values, list):
        return [values]
    return [number for part in values for number in flat(part)]


def image(vector, shape):
    """Nested lists [height][width][channels] of a vector in raster order."""
    height, width, channels = shape
    vector = iter(vector)
    return [[[next(vector) for _ in range(channels)] for _ in range(width)] for _ in range(height)]


def both(values, complement, number):
    """Values, and after them their complements if wanted."""
    low, high = oracle.bounds(number)
    return values + [high + low - value for value in values] if complement else values


def neuron(keys, arrays, place, inputs):
    """Sum of one output: `place` picks its parameters, `inputs` are None in the padding."""
    total = 0
    parameters = {
        name: flat(array[place].tolist()) for name, array in arrays.items() if name not in CHANNELS
    }
    for k, x in enumerate(inputs):
        own = {name: values[k] for name, values in parameters.items() if name != "bias"}
        total += 0 if x is None else oracle.term(keys["rule"], x, own)
    return total + (parameters["bias"][0] if "bias" in parameters else 0)


def dense(keys, arrays, number, x):
    """Exact sums of a dense layer for one vector."""
    inputs = both(x, keys.get("complement"), number)
    return [neuron(keys, arrays, j, inputs) for j in range(keys["outputs"])]


def each(value, count):
    return list(value) if isinstance(value, list) else [value] * count


def conv(keys, arrays, number, pixels):
    """Exact sums of a convolution, nested lists [height][width][outputs]."""
    (high, wide), (down, across) = keys["kernel"], each(keys.get("stride", 1), 2)
    (far_down, far_across), pads = each(keys.get("dilation", 1), 2), each(keys.get("padding", 0), 4)
    top, left, bottom, right = pads
    height, width = len(pixels), len(pixels[0])
    rows = []
    y = -top
    while y + (high - 1) * far_down < height + bottom:
        row, x = [], -left
        while x + (wide - 1) * far_across < width + right:
            inputs = []
            for i in range(y, y + high * far_down, far_down):
                for j in range(x, x + wide * far_across, far_across):
                    if 0 <= i < height and 0 <= j < width:
                        inputs += both(pixels[i][j], keys.get("complement"), number)
                    else:
                        inputs += [None] * len(both(pixels[0][0], keys.get("complement"), number))
            row.append([neuron(keys, arrays, o, inputs) for o in range(keys["outputs"])])
            x += across
        rows.append(row)
        y += down
    return rows


def requantised(keys, arrays, z, channel):
    """Result of one sum of a channel."""
    kind, output = keys.get("requantise", "shift"), keys.get("output")
    if kind == "staircase":
        low, high = oracle.bounds(output)
        count = 0
        for step in arrays["steps"][channel].tolist():
            if z >= step:
                count += 1
        return high - count if "falling" in arrays and arrays["falling"][channel] else low + count
    if kind == "scale":
        z = z * int(arrays["multiplier"][channel]) + int(arrays["offset"][channel])
        if output is None:
            return z
        low, high = oracle.bounds(output)
        return min(high, max(low, z // 2 ** keys.get("shift", 0)))
    return z if output is None else oracle.requantise(z, keys.get("shift", 0), output)


def trace(network, x):
    """Exact sums of every layer for one vector: a list of flat lists."""
    number, shape, sums = network["input"], network["shape"], []
    x = [int(value) for value in x]
    for keys, arrays in zip(network["layers"], network["arrays"], strict=True):
        if keys["kind"] == "dense":
            z, shape = dense(keys, arrays, number, x), [keys["outputs"]]
        else:
            z = conv(keys, arrays, number, image(x, shape))
            shape = [len(z), len(z[0]), keys["outputs"]]
        sums.append(flat(z))
        count = keys["outputs"]
        x = [requantised(keys, arrays, one, k % count) for k, one in enumerate(sums[-1])]
        number = keys.get("output")
    return sums, x


def result(network, x):
    """What the hardware answers for one vector: a list."""
    y = trace(network, x)[1]
    if network.get("result", "class") == "vector":
        return y
    best = 0
    for k, value in enumerate(y):
        if value > y[best]:
            best = k
    return [best]
