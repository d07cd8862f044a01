"""A slow simulator of mapped netlists in plain Python: changes of every net, as docs/cells.md defines them.

It shares nothing with tnhw/cells/gate_simulation.py and tnhw/cells/gate_models.py but the netlist, the delays of
`Timing`, and the instants of the clock. Everything starts from 0.
"""

import re
from collections import Counter, defaultdict
from heapq import heappop, heappush
from itertools import count
from types import SimpleNamespace


def bit(function, values):
    """Value of a Liberty function: ``!`` and ``'`` first, then ``^``, AND, OR, by rewriting its text."""
    text = re.sub(r"[A-Za-z_]\w*", lambda name: str(values[name[0]]), function).replace(" ", "")
    while len(text) > 1:
        shorter = re.sub(r"\(([^()]*)\)", lambda inside: _flat(inside[1]), text)
        text = _flat(text) if shorter == text else shorter
    return int(text)


def _flat(text):
    while (shorter := re.sub("!([01])|([01])'", lambda m: "10"[int(m[1] or m[2])], text)) != text:
        text = shorter
    terms = (re.findall(r"[01](?:\^[01])*", term) for term in re.split("[|+]", text))
    return str(int(any(all(factor.count("1") % 2 for factor in term) for term in terms)))


def clock_tree(mapped):
    """Nets that are the clock, or made of it by gates."""
    found = set(mapped.ports["clk"][1])
    while True:
        more = set(found)
        for name, nets in mapped.cells.values():
            cell = mapped.library.cell(name)
            if not cell.sequential and found & {nets.get(pin) for pin in cell.inputs}:
                more |= {nets[pin] for pin in cell.outputs if pin in nets}
        if more == found:
            return found
        found = more


def _ps(nanoseconds):
    return max(1, round(1000 * nanoseconds))


class Naive:
    """One netlist, one run.

    Parameters
    ----------
    mapped : Mapped
    timing : Timing
    model : str
        ``zero``, ``inertial``, ``transport``, or ``textbook``: inertial, but a change that is not due yet is
        withdrawn when the function changes back.
    """

    def __init__(self, mapped, timing, model):
        self.mapped, self.timing, self.model = mapped, timing, model
        self.value = defaultdict(int, {"1": 1})
        self.before, self.dirty = {}, set()
        self.now, self.queue, self.order = 0, [], count()
        self.tables, self.changes = {}, Counter()
        clocks, self.readers, self.parts = clock_tree(mapped), defaultdict(set), []
        for instance, (name, nets) in mapped.cells.items():
            cell = mapped.library.cell(name)
            outs = [pin for pin in cell.outputs if pin in nets]
            ins = [pin for pin in cell.inputs if pin in nets]
            part = SimpleNamespace(
                instance=instance, cell=cell, nets=nets, outs=outs, ins=ins, state=0, level=1,
                on_clock=any(nets[pin] in clocks for pin in outs), due={}, aim={}, copies={},
            )  # fmt: skip
            number = len(self.parts)
            self.parts.append(part)
            for pin in ins:
                self.readers[nets[pin]].add(number)

    def table(self, part, function, values):
        key = part.cell.name, function, tuple(values.items())
        if key not in self.tables:
            self.tables[key] = bit(function, values)
        return self.tables[key]

    def after(self, delay, action):
        heappush(self.queue, (self.now + delay, next(self.order), action))

    def put(self, net, new):
        if self.value[net] != new:
            self.before.setdefault(net, self.value[net])
            self.value[net] = new
            self.dirty.add(net)

    # ---- Parts: each gives what changes at once, as (net, value), and plans what changes later ----

    def evaluate(self, number, dirty):
        part = self.parts[number]
        values = {pin: self.value[part.nets[pin]] for pin in part.ins}
        if part.cell.gate:
            return self.clock_gate(part, values)
        if part.cell.sequential:
            return self.register(part, values)
        moved = [pin for pin in part.ins if part.nets[pin] in dirty]
        found = []
        for pin in part.outs:
            function = part.cell.pins[pin].function
            arcs = self.timing.arcs.get((part.instance, pin), {})
            if self.model == "zero" or part.on_clock or not arcs:
                found.append((part.nets[pin], self.table(part, function, values)))
            elif self.model == "transport":
                copies = part.copies.setdefault(pin, {})
                for one in moved:
                    if one in arcs:
                        self.after(
                            _ps(sum(arcs[one]) / 2), self.copy(number, pin, one, values[one])
                        )
                seen = values | {one: copies.get(one, 0) for one in arcs}
                found.append((part.nets[pin], self.table(part, function, seen)))
            else:
                aim = self.table(part, function, values)
                if aim != part.aim.get(pin, 0):
                    part.aim[pin] = aim
                    delay = min(_ps(arcs[one][1 - aim]) for one in moved if one in arcs)
                    self.plan(part, pin, aim, delay, withdraw=self.model == "textbook")
        return found

    def copy(self, number, pin, one, new):
        def action():
            self.parts[number].copies[pin][one] = new
            self.woken.add(number)

        return action

    def plan(self, part, pin, aim, delay, *, withdraw):
        """The output takes what is aimed at when it is due; or `aim`, unless that is withdrawn before."""
        token = part.due[pin] = object()
        net = part.nets[pin]
        if withdraw:
            self.after(delay, lambda: self.put(net, aim) if part.due[pin] is token else None)
        else:
            self.after(delay, lambda: self.put(net, part.aim[pin]))

    def clock_gate(self, part, values):
        clock = next(pin for pin in part.ins if part.cell.pins[pin].role == "clock")
        enable = next(pin for pin in part.ins if part.cell.pins[pin].role == "enable")
        if not values[clock]:
            part.state = values[enable]
        return [(part.nets[part.outs[0]], values[clock] & part.state)]

    def register(self, part, values):
        how = part.cell.sequential
        if how["kind"] == "ff":
            level = self.table(part, how["clocked_on"], values)
            if level > part.level:
                part.state = self.table(part, how["next_state"], values)
            part.level = level
        elif self.table(part, how["enable"], values):
            part.state = self.table(part, how["data_in"], values)
        for key, state in (("preset", 1), ("clear", 0)):
            if key in how and self.table(part, how[key], values):
                part.state = state
        state = dict(zip(how["state"], (part.state, 1 - part.state), strict=False))
        found = []
        for pin in part.outs:
            aim = self.table(part, part.cell.pins[pin].function, state)
            if self.model == "zero":
                found.append((part.nets[pin], aim))
            elif aim != part.aim.get(pin, 0):
                part.aim[pin] = aim
                delay = _ps(self.timing.delays.get((part.instance, pin), (0, 0))[1 - aim])
                self.plan(part, pin, aim, delay, withdraw=True)
        return found

    # ---- Time ----

    def instant(self, actions, late=()):
        """All that happens at one time: the clock, then registers, then the rest until nothing moves."""
        self.before, self.woken = {}, set()
        for action in actions:
            action()
        moved = set()
        while self.dirty:
            dirty, self.dirty = self.dirty, set()
            moved |= dirty
            touched = {n for net in dirty for n in self.readers[net] if self.parts[n].on_clock}
            for found in [self.evaluate(number, dirty) for number in touched]:
                for net, new in found:
                    self.put(net, new)
        self.dirty = moved
        while self.dirty or self.woken or late:
            dirty, self.dirty = self.dirty, set()
            touched = {n for net in dirty for n in self.readers[net]} | self.woken
            self.woken = set()
            for found in [self.evaluate(number, dirty) for number in sorted(touched)]:
                for net, new in found:
                    self.put(net, new)
            for action in late:
                action()
            late = ()
        if self.first < self.now <= self.last:
            self.changes.update(net for net, old in self.before.items() if self.value[net] != old)

    def until(self, end):
        while self.queue and self.queue[0][0] < end:
            self.now = self.queue[0][0]
            actions = []
            while self.queue and self.queue[0][0] == self.now:
                actions.append(heappop(self.queue)[2])
            self.instant(actions)
        self.now = end

    def row(self, row):
        def action():
            for port, (direction, bits) in self.mapped.ports.items():
                if direction == "input" and port != "clk":
                    for k, net in enumerate(bits):
                        self.put(net, int(row[port]) >> k & 1)

        return action

    def run(self, rows, period, warm_up, last=None):
        """Changes of every net from cycle `warm_up` to `last`, a cycle a row; `period` in ps."""
        self.first, self.last = warm_up * period + 1, (last or len(rows)) * period + 1
        clock = self.mapped.ports["clk"][1][0]
        self.woken = set()
        self.dirty = set(self.readers)
        self.instant([self.row(rows[0])])
        for k in range(len(rows)):
            following = self.row(rows[min(k + 1, len(rows) - 1)])
            self.until(k * period + period // 2)
            up = [lambda: self.put(clock, 1)]
            if self.model == "zero":
                self.instant(up, [following])
            else:
                self.instant(up)
                self.after(1, following)
            self.until((k + 1) * period)
            self.instant([lambda: self.put(clock, 0)])
        return self.changes
