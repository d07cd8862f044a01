"""Tests of any kernel, driven by `manifest.json` and `traffic.json` in the folder `TNHW_BENCH`.

The whole traffic runs at full speed and with random stalls; every idle pattern meets every
back-pressure pattern on a part of it. Each test appends a record to `results.jsonl`.
"""

import functools
import json
import random
import time
from itertools import cycle, product

import cocotb
from environment import (
    FOLDER,
    FRAMED,
    LOADS,
    MANIFEST,
    STREAMS,
    TRAFFIC,
    Bench,
    Work,
    frame,
)
from patterns import BACK_PRESSURE, IDLE
from streams import Failure

SEED = TRAFFIC["seed"]
MOST_PHASES = 8  # of a vector in which a reset comes
SHORT_LOAD = 200  # beats; of longer ones there are fewer
LATENCY, INTERVAL = MANIFEST["latency"], MANIFEST["interval"]


def works(choices):
    """Works for the segments; a choice is None for all vectors, or their numbers."""
    offset, result = 0, []
    for segment, chosen in zip(TRAFFIC["segments"], choices, strict=True):
        if chosen != []:
            result.append(Work.of(segment, offset, chosen))
        offset += len(segment["i"]) // STREAMS["input"]["beats"]
    return result


def whole():
    """The whole traffic."""
    return works([None] * len(TRAFFIC["segments"]))


def part():
    """The part of the traffic that is used where there are many tests."""
    return works(TRAFFIC["quick"])


def recorded(test):
    """Write a record of the test's outcome, then pass or fail."""

    @functools.wraps(test)
    async def wrapped(dut, **options):
        names = [test.__name__, *options.values()]
        bench = Bench(dut, **options, seed=f"{SEED} {names}")
        record = {"test": "-".join(names), "passed": False, "failure": None}
        begin = time.monotonic()
        try:
            await bench.start()
            await test(bench)
            record["passed"] = True
        except Failure as failure:
            record["failure"] = {**failure.record, "cycle": bench.cycle}
            raise
        except Exception as error:
            record["exception"] = repr(error)
            raise
        finally:
            record |= {
                "cycles": bench.cycle,
                "vectors": bench.vectors,
                "seconds": round(time.monotonic() - begin, 3),
            }
            with open(FOLDER / "results.jsonl", "a") as file:
                file.write(json.dumps(record) + "\n")

    return wrapped


@cocotb.test(skip=not LOADS)
@recorded
async def before_load(bench):
    """Own parameters count before the first load; without them, vectors wait for it."""
    if TRAFFIC["initial"]:
        return await bench.run([Work.of(TRAFFIC["initial"])])
    work = Work.of(TRAFFIC["segments"][0], chosen=[0])
    await refuses(bench, work)
    await bench.run([work])


async def refuses(bench, work):
    """Offer an input for a while; it must not be taken before a complete load."""
    bench.input.beats += work.input[:1]
    await bench.idle(32)
    if bench.input.taken:
        raise Failure("load", "An input was taken before a complete load of parameters.")
    bench.input.beats.clear()
    bench.input.stop()
    await bench.idle(2)


@cocotb.test()
@recorded
async def full_speed(bench):
    """The whole traffic without a stall: equal to the model, and a vector, or a group of them, every interval."""
    scoreboard = bench.scoreboard
    for work in whole():
        begin = len(scoreboard.cycles)
        await bench.run([work])
        images = MANIFEST.get("images", 1)  # vectors that are computed side by side
        cycles = scoreboard.cycles[begin + MANIFEST.get("warm_up", 0) :]
        for k, (before, after) in enumerate(zip(cycles[1:], cycles[1 + images :], strict=False)):
            if after - before != INTERVAL:
                which = "the one" if images == 1 else f"the one {images}"
                raise Failure(
                    "throughput",
                    f"Vector {work.output[k + 1 + images][0]} came {after - before} cycles after {which} "
                    f"before it with nobody stalling; the manifest says {INTERVAL}.",
                )
    received = [format(int(beat, 2), "x") for beat in scoreboard.received]
    (FOLDER / "received.json").write_text(json.dumps(received))


@cocotb.test()
@cocotb.parametrize(idle=["random"], back_pressure=["random"])
@recorded
async def random_stalls(bench):
    """The whole traffic, with random pauses and stalls."""
    await bench.run(whole())


@cocotb.test()
@cocotb.parametrize(idle=list(IDLE), back_pressure=list(BACK_PRESSURE))
@recorded
async def patterns(bench):
    """Part of the traffic, with an idle pattern and a back-pressure pattern."""
    await bench.run(part())


@cocotb.test()
@recorded
async def latency(bench):
    """Vectors one by one: each takes exactly the latency of the manifest."""
    for work in part():
        for alone in work.split():
            begin = len(bench.monitor.rises)
            await bench.run([alone])
            took = bench.monitor.rises[begin] - bench.input.taken[-1]
            if took != LATENCY:
                number = alone.output[0][0]
                raise Failure(
                    "latency",
                    f"Vector {number} took {took} cycles from its last input beat to its output; "
                    f"the manifest says {LATENCY}.",
                    vector=number,
                )


@cocotb.test()
@recorded
async def valid_alone(bench):
    """`valid` comes at the latency though `ready` is low, and stays until it is high."""
    first, *others = part()[0].split()
    bench.receiver.hold = True
    await bench.begin(first)
    await bench.until(lambda: bench.input.done)
    await bench.idle(LATENCY)
    took = [cycle - bench.input.taken[-1] for cycle in bench.monitor.rises]
    if took != [LATENCY]:
        names = bench.monitor.port.names
        raise Failure(
            "dependency",
            f"`{names['valid']}` did not rise {LATENCY} cycles after an input, the latency, while "
            f"`{names['ready']}` was low: valid must not wait for ready.",
        )
    for work in others:
        await bench.begin(work)
    await bench.idle(2 * LATENCY + 3 * INTERVAL + 16)
    bench.receiver.hold = False
    await bench.finish()


@cocotb.test()
@recorded
async def reset_in_traffic(bench):
    """A reset, also of one cycle, drops vectors that are under way; everything works after it.

    It comes at all places of a vector, or at the first of many.
    """
    phases = [(0, phase) for phase in range(min(INTERVAL, MOST_PHASES))]
    for stalled, (more, phase) in product((False, True), [(3, 0), *phases]):
        bench.receiver.hold = stalled
        await bench.begin(part()[0])
        await bench.until(lambda: bench.input.taken)
        await bench.idle(LATENCY + 2 * INTERVAL + phase)
        bench.receiver.hold = False
        await bench.reset(more)
        await bench.idle(LATENCY + INTERVAL)
    await bench.run(part())


@cocotb.test()
@recorded
async def offered_after_reset(bench):
    """What is offered in the first cycle after a reset counts: a load, or a vector if there are no loads."""
    work = part()[0]
    if not LOADS:
        alone = next(work.split())
        await bench.reset(then=lambda: bench.offer(alone))
        return await bench.finish()
    load, work.load = work.load, []
    await bench.reset(then=lambda: bench.offer_load(load))
    await bench.until(lambda: bench.load.taken)
    await bench.run([work])


@cocotb.test(skip=not LOADS)
@recorded
async def load_under_stall(bench):
    """Vectors under way when a load comes finish with the old parameters, however long they stall."""
    works = part()
    for work, following in zip(works, [*works[1:], None], strict=True):
        await bench.begin(work)
        # A long load would use up the steps below before a short pipeline has its vectors.
        await bench.until(lambda: bench.load.done)
        bench.receiver.hold = True
        await bench.idle(LATENCY + 2 * INTERVAL)
        for _ in range(len(bench.input.beats) + len(bench.scoreboard.expected)):
            if bench.input.done:
                break
            bench.receiver.hold = False
            await bench.idle(1)
            bench.receiver.hold = True
            await bench.idle(LATENCY + 2 * INTERVAL)
        if not bench.input.done:
            raise bench.scoreboard.missing()
        if following:
            bench.offer_load(following.load)
            following.load = []
            await bench.idle(len(bench.load.beats) - bench.loaded + 16)
            bench.receiver.hold = False
            await bench.until(lambda: len(bench.load.taken) > bench.loaded)
    bench.receiver.hold = False
    await bench.finish()


@cocotb.test(skip=not LOADS)
@recorded
async def load_behind(bench):
    """A load that is offered some cycles behind a vector waits for it, and the vector has the old parameters."""
    works = part()
    await bench.run(works[:1])
    for k in range(LATENCY + 1 if len(works[0].load) <= SHORT_LOAD else 1):
        alone = next(works[k % len(works)].split())
        alone.load = []
        await bench.begin(alone)
        await bench.idle(STREAMS["input"]["beats"] + k)
        bench.offer_load(works[(k + 1) % len(works)].load)
        await bench.until(lambda: bench.load.done)
    await bench.finish()


@cocotb.test(skip=not LOADS or STREAMS["input"]["beats"] == 1)
@recorded
async def load_within_vector(bench):
    """A load that is offered in the middle of a vector waits for the vector, which has the old parameters."""
    beats = STREAMS["input"]["beats"]
    cuts = sorted({1, beats // 2, beats - 1})
    works = part()
    await bench.run(works[:1])
    for k in range(max(len(works), len(cuts))):
        alone = next(works[k % len(works)].split())
        alone.load, rest = [], alone.input[cuts[k % len(cuts)] :]
        alone.input = alone.input[: -len(rest)]
        await bench.begin(alone)
        await bench.until(lambda: bench.input.done)
        await bench.idle(LATENCY + INTERVAL)
        bench.offer_load(works[(k + 1) % len(works)].load)
        await bench.idle(8)
        if len(bench.load.taken) > bench.loaded:
            raise Failure("load", "A load of parameters began in the middle of a vector.")
        bench.input.beats += rest
        await bench.until(lambda: bench.load.done)
    await bench.finish()


@cocotb.test(skip=not LOADS)
@recorded
async def reset_after_load(bench):
    """A reset keeps the parameters of a complete load."""
    await bench.run([part()[0]])
    await bench.reset()
    again = part()[0]
    again.load = []
    await bench.run([again])


@cocotb.test(skip=not LOADS)
@recorded
async def reset_in_load(bench):
    """After a reset in the middle of a load, vectors wait for a complete one."""
    work = part()[0]
    for cut in sorted({1, len(work.load) // 2, len(work.load) - 1} & set(range(1, len(work.load)))):
        bench.load.beats += work.load[:cut]
        await bench.until(lambda: bench.load.done)
        await bench.reset()
        await refuses(bench, work)
        await bench.run([part()[0]])
    # A beat that was offered and not taken is forgotten. Then the parameters before it count, or vectors wait for a load.
    for cycles in (1, 2):
        bench.offer_load(part()[-1].load[:1])
        await bench.idle(cycles)
        taken = len(bench.load.taken) > bench.loaded
        await bench.reset()
        if not taken:
            alone = next(part()[0].split())
            bench.offer(alone)
            await bench.idle(32)
            if bench.input.taken:
                await bench.finish()
            else:
                await bench.reset()
        await bench.run([part()[0]])


@cocotb.test(skip=not LOADS)
@recorded
async def loads_in_a_row(bench):
    """Of two loads, one right after the other, the second counts; also while vectors are waiting."""
    works = part()
    for before, work in zip(works[1:] + works[:1], works, strict=True):
        bench.load.beats += before.load
        await bench.until(lambda: bench.load.done)
        await bench.run([work])
    for work in works:
        bench.load.beats += work.load + work.load
        await bench.until(lambda: bench.load.done)
        again, work.load = work.load, []
        await bench.begin(work)
        bench.load.beats += again
        await bench.finish()


@cocotb.test(skip=not FRAMED)
@cocotb.parametrize(idle=list(IDLE), back_pressure=["never", "random"])
@recorded
async def wrong_last(bench):
    """A wrong `tlast` discards its packet and raises `error` for one cycle; the packet after it is whole."""
    rng = random.Random(SEED)
    faulty, kinds = [], cycle(WRONG)
    for work in part():
        load = [payload for payload, _ in work.load]
        spoilt = Work()
        for _ in range(len(WRONG) if 0 < len(load) <= SHORT_LOAD else bool(load)):
            spoilt.load += wrong_frame(rng, load, next(kinds))
        spoilt.load += work.load
        for alone in work.split():
            for _ in range(rng.choice((0, 1, 1, 2))):
                payloads = [payload for payload, _ in alone.input]
                spoilt.input += wrong_frame(rng, payloads, next(kinds))
            spoilt.input += alone.input
        spoilt.output = work.output
        faulty.append(spoilt)
    await bench.run(faulty)


WRONG = ["first", "early", "longer", "double", "triple"]


def wrong_frame(rng, payloads, kind):
    """Beats of a packet with `tlast` on its first beat, elsewhere too early, or after the last one."""
    beats = len(payloads)
    rest = {"longer": rng.randint(1, beats), "double": beats, "triple": 2 * beats}.get(kind)
    if rest is None and beats > 1:
        return frame(payloads[: 1 if kind == "first" else rng.randint(1, beats - 1)])
    return frame((3 * payloads)[: beats + (rest or 1)])
