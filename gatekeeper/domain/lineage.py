"""The lineage of a run, as declared and approved: the model that it began from, and the data that models made for it.

What is controlled is a model with all that went into it, not the work of one account in one place. A number that
nobody has declared cannot be counted, and an allowance that nobody has approved does not hold: an unknown is None,
which is read as the strict answer. How a pack counts it: `allowances`.
"""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.units import checked_tflop

PERCENT_MAX = 100
# One person reads all of them before approving, and they stand in one record.
GENERATORS_MAX = 50
INCLUDED_MAX = 50
NAME_CHARACTERS_MAX = 200


def _checked_name(name: str, what: str) -> None:
    if not name.strip() or len(name) > NAME_CHARACTERS_MAX or not name.isprintable():
        raise InvalidInput(f"{what} needs a name of 1 to {NAME_CHARACTERS_MAX} characters, not {name!r:.80}.")


@dataclass(frozen=True, slots=True)
class Operations:
    """Actual operations under a name of their own: whoever includes them names them the same, and they count once."""

    name: str
    amount_tflop: int

    def __post_init__(self) -> None:
        _checked_name(self.name, "A stretch of operations")
        checked_tflop(self.amount_tflop)


@dataclass(frozen=True, slots=True)
class BaseModel:
    """The model that a run began from.

    Attributes:
        name: of the model; by: who trained or published it.
        training_tflop: all operations that went into it.
        published: whether its weights are published; None: not known, which is read as no.
        controlled: whether it is itself a controlled model; None: not known. Published weights are not controlled.
        source: where the numbers come from.
    """

    name: str
    by: str
    training_tflop: int
    source: str
    published: bool | None = None
    controlled: bool | None = None

    def __post_init__(self) -> None:
        _checked_name(self.name, "A base model")
        checked_tflop(self.training_tflop)
        if not self.by.strip() or not self.source.strip():
            raise InvalidInput(f"Base model {self.name}: say who made it, and where its number comes from.")
        if self.published and self.controlled:
            raise InvalidInput(
                f"Base model {self.name} cannot be both: weights that are published are not controlled.",
                hint="Say which of the two it is; if nobody knows, say neither.",
            )


@dataclass(frozen=True, slots=True)
class Generator:
    """A model whose output a run is trained on.

    Attributes:
        id: of the model; variant_of: the model that it is a checkpoint or fine-tune of: both are one generator.
        share_percent: operations of the run that train on its data, in percent of all of the run's, rounded up.
        generation_tflop: operations that made that data; training_tflop: all operations that trained the generator.
        published: whether its weights are; data_published: whether that data is. None: not known, read as no.
        included: operations within training_tflop that another model of the lineage may include too.
        source: where the numbers come from.
    """

    id: str
    share_percent: int
    generation_tflop: int
    training_tflop: int
    source: str
    published: bool | None = None
    data_published: bool | None = None
    variant_of: str = ""
    included: tuple[Operations, ...] = ()

    def __post_init__(self) -> None:
        _checked_name(self.id, "A generator of data")
        checked_tflop(self.generation_tflop)
        checked_tflop(self.training_tflop)
        if not 0 <= self.share_percent <= PERCENT_MAX:
            raise InvalidInput(f"Generator {self.id}: the share trained on its data is 0 to 100 percent.")
        if not self.source.strip():
            raise InvalidInput(f"Generator {self.id}: say where its numbers come from.")
        names = {each.name for each in self.included}
        if len(names) != len(self.included) or len(names) > INCLUDED_MAX:
            raise InvalidInput(f"Generator {self.id} names each stretch once, and at most {INCLUDED_MAX} of them.")
        if sum(each.amount_tflop for each in self.included) > self.training_tflop:
            raise InvalidInput(f"Generator {self.id}: what its training includes is more than all of its training.")

    @property
    def model(self) -> str:
        """The single model that it counts as."""
        return self.variant_of or self.id


@dataclass(frozen=True, slots=True)
class Lineage:
    """What a run rests on.

    Attributes:
        base: the model that it began from; None: it begins from nothing.
        carried_in_tflop: operations that are in the model already, its base and other providers included.
        generators: models whose output it trains on; what is not declared here is not known to be anything.
        counted: names of operations that the run's account holds already (generated here, or in carried_in_tflop):
            they are not counted a second time. The base is among them by its name.
    """

    base: BaseModel | None = None
    carried_in_tflop: int = 0
    generators: tuple[Generator, ...] = ()
    counted: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        checked_tflop(self.carried_in_tflop)
        if len({each.id for each in self.generators}) != len(self.generators):
            raise InvalidInput("A lineage names each generator of data once.")
        if len(self.generators) > GENERATORS_MAX or len(self.counted) > GENERATORS_MAX * INCLUDED_MAX:
            raise InvalidInput(f"A lineage names at most {GENERATORS_MAX} generators of data.")
        for name in self.counted:
            _checked_name(name, "What is counted already")
        self._check_once()
        if self.base is not None and self.base.training_tflop > self.carried_in_tflop:
            raise InvalidInput(
                f"Base model {self.base.name} took {self.base.training_tflop} TFLOP, and less is carried in.",
                hint="What is carried in holds all operations of the base and of other providers.",
            )

    def _check_once(self) -> None:
        """One name is one stretch of operations everywhere, or counting it once would count too little."""
        seen: dict[str, int] = {}
        for each in (stretch for generator in self.generators for stretch in generator.included):
            if seen.setdefault(each.name, each.amount_tflop) != each.amount_tflop:
                raise InvalidInput(f"{each.name!r} names two different amounts of operations.")
