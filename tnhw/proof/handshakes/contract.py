"""What the ports of a kernel promise, as counters that watch the ports. They know the manifest, and no register."""

import numpy as np

__all__ = ["Contract"]


class Contract:
    """Counts packets at the ports, and says in which clock a promise is broken.

    Counters are arrays with a value for each of many states:

    - ``vector``: beats of the current vector that were taken; `beats["i"]` while the rest of a packet that
      is too long is dropped. ``load``: the same for a load.
    - ``may``, ``must``: a vector may start, or must be accepted, because the last load was whole. They differ
      only after a reset in the same clock as an offered load.
    - ``due``: whole vectors that were taken and whose result has not left. ``sent``: beats of a result that left.
    - ``waits_i``, ``waits_p`` (only with `persistent`): a beat is offered and was not taken, so it must stay.
      ``kept_i``, ``kept_p``: what must not change meanwhile: `tlast`, and the bits of data that handshakes
      depend on.

    Parameters
    ----------
    manifest : dict
    data : list of (str, int)
        Bits of payloads that handshakes depend on; see `Control`.
    persistent : bool
        Whether senders keep a beat that they offer until it is taken, as the contract demands. Otherwise they
        may also withdraw or change it.
    """

    def __init__(self, manifest, data, *, persistent):
        streams = {stream["name"]: stream for stream in manifest["streams"]}
        self.beats = {name: stream["beats"] for name, stream in streams.items()}
        self.framed = {name for name, stream in streams.items() if stream["last"]}
        self.loads = "p" in streams
        self.error = bool(manifest["error"])
        self.most = manifest["latency"] + 2 * max(self.beats["i"], self.beats["o"]) + 8
        self._whole = int(not self.loads or "parameters" in manifest)
        self.widths = {"vector": self.beats["i"].bit_length(), "due": self.most.bit_length()}
        self.widths["sent"] = self.beats["o"].bit_length()
        if self.loads:
            self.widths |= {"load": self.beats["p"].bit_length(), "may": 1, "must": 1}
        self.senders = [name for name in ("i", "p") if name in streams] if persistent else []
        self._data = {
            name: [k for k, (port, _) in enumerate(data) if port == streams[name]["payload"]]
            for name in self.senders
        }
        for name in self.senders:
            self.widths |= {f"waits_{name}": 1, f"kept_{name}": 1 + len(self._data[name])}

    @property
    def initial(self):
        """Counters before the first clock."""
        values = dict.fromkeys(self.widths, 0)
        if self.loads:
            values |= {"may": self._whole, "must": self._whole}
        return values

    def allowed(self, counters, inputs):
        """Whether the contract allows senders these inputs in a clock: array of bool."""
        fine = np.ones(len(inputs["rst"]), bool)
        for name in self.senders:
            same = self._sent(name, inputs) == counters[f"kept_{name}"]
            fine &= (counters[f"waits_{name}"] == 0) | ((inputs[f"{name} valid"] == 1) & same)
        return fine

    def _sent(self, name, inputs):
        """`tlast` and the bits of data that a sender must keep while it waits, as a number."""
        value = inputs.get(f"{name} last", inputs["rst"] * 0)
        for place, k in enumerate(self._data[name]):
            value = value | (inputs["data"] >> k & 1) << (1 + place)
        return value

    def whole(self, counters, key):
        """Whether a whole set of parameters is loaded, by the counter `key`, ``may`` or ``must``: array of bool."""
        return counters[key] == 1 if self.loads else np.ones(len(counters["due"]), bool)

    def _packet(self, name, count, taken, last):
        """For a stream, in a clock: (next count, whether a packet is complete, whether it turns out wrong)."""
        beats = self.beats[name]
        at_end = count == beats - 1
        if name not in self.framed:
            return (
                np.where(taken, np.where(at_end, 0, count + 1), count),
                taken & at_end,
                taken & False,
            )
        ends, drops = last == 1, count == beats
        wrong = taken & ~drops & (ends != at_end)
        following = np.where(ends, 0, np.where(at_end, beats, count + 1 - drops))
        return np.where(taken, following, count), taken & at_end & ends, wrong

    def clock(self, counters, inputs, outputs):
        """One clock of many states.

        Returns
        -------
        dict of str to array of int
            Counters a clock later.
        dict of str to array of bool
            What happens: ``i``, ``p``, ``o`` (a beat of that stream is taken), ``wrong`` (a packet turns out
            wrong), ``done`` (a vector is complete).
        """
        reset = inputs["rst"] == 1
        taken = {
            name: (self._signal(name, "valid", inputs, outputs) == 1)
            & (self._signal(name, "ready", inputs, outputs) == 1)
            for name in self.beats
        }
        nothing = np.zeros(len(reset), np.int64)
        last = {name: inputs.get(f"{name} last", nothing) for name in ("i", "p")}
        vector, done, wrong = self._packet("i", counters["vector"], taken["i"], last["i"])
        left = taken["o"] & (counters["sent"] == self.beats["o"] - 1)
        sent = np.where(taken["o"], np.where(left, 0, counters["sent"] + 1), counters["sent"])
        due = counters["due"] + done - left
        after = {"vector": vector, "due": np.clip(due, 0, self.most), "sent": sent}
        if self.loads:
            load, loaded, void = self._packet("p", counters["load"], taken["p"], last["p"])
            offered = inputs["p valid"] == 1
            after["load"] = load
            after["may"] = np.where(taken["p"], loaded, counters["may"])
            after["must"] = np.where(taken["p"], loaded, counters["must"])
            # A load that is offered in the clock of a reset may count or not.
            after["may"] = np.where(reset, counters["may"] | (taken["p"] & loaded), after["may"])
            after["must"] = np.where(reset, counters["must"] & ~offered, after["must"])
            wrong = wrong | void
        for name in ("vector", "due", "sent", "load"):
            if name in after:
                after[name] = np.where(reset, 0, after[name])
        for name in self.senders:
            waits = (inputs[f"{name} valid"] == 1) & ~taken[name] & ~reset
            after[f"waits_{name}"] = waits
            after[f"kept_{name}"] = np.where(waits, self._sent(name, inputs), 0)
        after = {name: np.asarray(value, np.int64) for name, value in after.items()}
        return after, taken | {"wrong": wrong, "done": done}

    def _signal(self, stream, signal, inputs, outputs):
        name = f"{stream} {signal}"
        return inputs[name] if name in inputs else outputs[name]

    def broken(self, counters, inputs, outputs, later, events):
        """Whether each promise is broken in a clock: dict of str, what then goes wrong, to array of bool."""
        on, offered = inputs["rst"] == 0, outputs["o valid"] == 1
        starts = on & events["i"] & (counters["vector"] == 0)
        found = {
            "a result appears though no vector was accepted": on & offered & (counters["due"] == 0),
            "an offered result is withdrawn": on & offered & (inputs["o ready"] == 0)
            & (later["o valid"] == 0),
            "more vectors are accepted than have room": counters["due"] >= self.most,
            "a result appears after a reset": (inputs["rst"] == 1) & (later["o valid"] == 1),
        }  # fmt: skip
        if "o" in self.framed:
            last = (counters["sent"] == self.beats["o"] - 1) != (outputs["o last"] == 1)
            found["`tlast` of a result is on a wrong beat"] = on & offered & last
        if self.error:
            said = "`error` is not what the packet before it asks for"
            found[said] = np.where(on, events["wrong"], 0) != later["error"]
        if self.loads:
            within = (counters["vector"] != 0) & (counters["vector"] != self.beats["i"])
            found |= {
                "a vector starts without a whole set of parameters": starts
                & (counters["may"] == 0),
                "a vector starts though a load is offered": starts & (inputs["p valid"] == 1),
                "a beat of a load is taken within a vector": on & events["p"] & within,
            }
        return found
