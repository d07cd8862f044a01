"""One pass after another over the data: what happens in a step, and what a checkpoint holds of it."""

import torch

from .augmenting import changed
from .averages import Average
from .batches import as_real
from .evaluating import score_of
from .modules import layers_of
from .processes import own_part, sum_gradients

__all__ = ["Fit"]

PRUNE_FROM, PRUNE_TO = 0.2, 0.6  # share of the epochs in which synapses are removed


class Fit:
    """A model that is being fitted.

    What the next step does depends only on the data, the settings and what `state` gives.

    Parameters
    ----------
    model : torch.nn.Sequential
        On the device where it is trained.
    settings : Settings
    source : Rows, Items or Loader
        Batches of the data.
    measure : callable
        Mean loss of outputs, for their targets and the numbers of their rows.
    optimiser : torch.optim.Optimizer
        Of groups as `tnhw.train.optimisers.groups` makes them.
    valid : Rows, Items or Loader, optional
        Batches of the validation data.
    augment : callable, optional
        Changes the integers of a batch, with a generator.
    """

    def __init__(self, model, settings, source, measure, optimiser, valid=None, augment=None):
        self.model, self.layers = model, layers_of(model)
        self.settings, self.source, self.valid = settings, source, valid
        self.measure, self.optimiser, self.augment = measure, optimiser, augment
        self.average = Average(model, settings.average) if settings.average else None
        self.history = []
        self._losses = []  # loss and rows of each batch of the epoch that has begun
        self._random, self._resumed = None, None  # its generator, and the generator's state
        self._best = None

    @property
    def done(self):
        """Whether there is no further epoch."""
        patience, since = self.settings.patience, self._since_best()
        finished = len(self.history) == self.settings.epochs
        return finished or (patience is not None and since is not None and since >= patience)

    def epoch(self, after=lambda: None):
        """Do one pass over the rows, or what is left of it, and return its record. `after` is called after each step."""
        settings, number = self.settings, len(self.history)
        if number >= settings.freeze * settings.epochs:
            for layer in self.layers:
                layer.freeze()
        self._random = torch.Generator().manual_seed(settings.seed * 1_000_003 + number)
        batches = self.source.epoch(self._random, settings.batch, len(self._losses))
        if self._resumed is not None:
            self._random.set_state(self._resumed)
        steps = self.source.steps(settings.batch)
        for batch in batches:
            done = (number + len(self._losses) / steps) / settings.epochs
            for group in self.optimiser.param_groups:
                group["lr"] = group["share"] * settings.rate_at(done)
            loss = self.step(batch._replace(x=self._changed(batch.x)))
            self._losses.append((loss, len(batch.x)))
            after()
        total = sum(float(loss) * count for loss, count in self._losses)
        rows = sum(count for _, count in self._losses)
        self._losses, self._resumed = [], None
        self._prune((number + 1) / settings.epochs)
        record = {"epoch": number + 1, "epochs": settings.epochs, "loss": total / rows}
        self.history.append(record)
        if self.valid is not None:
            self._validate(record)
        return record

    def step(self, batch):
        """Change the model for one batch, and return the loss, a tensor on the model's device."""
        device, rows = self.layers[0].mean.device, len(batch.x)
        batch = own_part(batch)
        self.model.train()
        x = as_real(batch.x.to(device), self.layers[0].input_bits)
        y = None if batch.y is None else batch.y.to(device)
        loss = self.measure(self.model(x), y, batch.rows)
        if len(x) < rows:
            loss = loss * (len(x) / rows)  # losses and gradients of all processes are added
        self.optimiser.zero_grad()
        loss.backward()
        loss = sum_gradients(self.optimiser, loss.detach())
        self.optimiser.step()
        for layer in self.layers:
            layer.clamp_()
        if self.average:
            self.average.update()
        return loss

    def finish(self):
        """Give the model the parameters that are to be kept: those of the best epoch, or averages."""
        if self._best is not None:
            self.model.load_state_dict(self._best)
        elif self.average:
            self.average.apply()

    def state(self):
        """What a checkpoint holds."""
        begun = bool(self._losses)
        return {
            "model": self.model.state_dict(), "optimiser": self.optimiser.state_dict(), "history": self.history,
            "average": self.average.state() if self.average else None, "best": self._best,
            "losses": [(float(loss), rows) for loss, rows in self._losses],
            "random": self._random.get_state() if begun else None,
        }  # fmt: skip

    def restore(self, state):
        """Go on from what a checkpoint holds."""
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        if self.average:
            self.average.restore(state["average"])
        self.history, self._losses, self._best = state["history"], state["losses"], state["best"]
        self._resumed = None if state["random"] is None else state["random"].cpu()

    def _changed(self, x):
        """Integers as `augment` changes them, plus uniform integers of -noise .. noise, clamped to the format of the inputs."""
        noise, bits = self.settings.noise, self.layers[0].input_bits
        if self.augment:
            x = changed(self.augment, x, self._random, bits)
        if not noise:
            return x
        steps = torch.randint(-noise, noise + 1, x.shape, generator=self._random)
        return (x + steps).clamp(0, 2**bits - 1)

    def _prune(self, done):
        """Remove synapses gradually, faster at first (as Zhu and Gupta, arXiv 1710.01878)."""
        share = self.settings.prune
        if share:
            part = min(max((done - PRUNE_FROM) / (PRUNE_TO - PRUNE_FROM), 0), 1)
            for layer in self.layers:
                layer.prune_(share * (1 - (1 - part) ** 3))

    def _validate(self, record):
        """Put the score into a record, and keep the parameters if it is the best."""
        if self.average:
            with self.average.applied():
                self._score(record)
        else:
            self._score(record)

    def _score(self, record):
        record["score"] = score_of(self.model, self.valid, self.settings.loss, together=True)
        if self.settings.patience is not None and self._since_best() == 0:
            self._best = {name: value.clone() for name, value in self.model.state_dict().items()}

    def _since_best(self):
        """Epochs since the best score; None if none counts yet."""
        first = PRUNE_TO * self.settings.epochs if self.settings.prune else 0
        counted = [r["score"] for r in self.history if "score" in r and r["epoch"] >= first]
        return len(counted) - 1 - counted.index(max(counted)) if counted else None
