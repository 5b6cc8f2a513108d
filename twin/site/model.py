"""The site file as frozen pydantic models: what a person writes, with the unit in every key.

A site is buildings of halls; a hall is an instance of a *template* (rows of rack groups, CDUs, air handling, its own
electrical chain), joined to facility-water *loops* of its building and to the campus *electrical* elements. Maps are
keyed by id, so an id can stand only once and ``base:`` inheritance merges by id.
"""

from __future__ import annotations

from math import pi
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from twin.cooling.pump_curve import Pumps
from twin.core.ashrae import AirName, WaterName
from twin.core.params import Confidence, Frozen, Quantity
from twin.site.dates import Date
from twin.site.grid_model import Grid
from twin.site.inference_model import Inference

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}$")]
Sink = Literal["outdoors", "electrical_room", "hall"]
BackedBy = Literal["ups", "generator", "none"]
Letter = Annotated[str, Field(pattern=r"^[A-Z]$")]
Count = Annotated[int, Field(ge=1, le=100_000)]
Celsius = Annotated[float, Quantity("degC", "temperature", ge=-40, le=90)]
Kelvin = Annotated[float, Quantity("K", "temperature difference", gt=0, le=60)]
SharePlain = Annotated[float, Quantity("1", "share", ge=0, le=1)]
Recirculation = Annotated[float, Quantity("1", "share", ge=0, le=0.95, why="more leaves no air for the coils")]
Bypass = Annotated[float, Quantity("1", "share", ge=0, le=0.9, why="more leaves no air for the racks")]


class Tranche(Frozen):
    """Contracted power at the grid meter from a date on (the total, not the increment)."""

    start: Date = Field(alias="from", description="first day, site-local standard time")
    mw: Annotated[float, Quantity("MW", "contracted active power at the meter", gt=0, le=20_000)]
    source: str = Field(min_length=3)
    confidence: Confidence


class Contract(Frozen):
    """What the grid connection allows."""

    tranches: list[Tranche] = Field(min_length=1)

    @model_validator(mode="after")
    def _in_order(self) -> Contract:
        starts = [t.start for t in self.tranches]
        if starts != sorted(set(starts)):
            raise PydanticCustomError("order", "tranches must be in order of their dates, each date once")
        return self


class Standby(Frozen):
    """Equal stores or generating sets in parallel on the busbar of an element."""

    device: str = Field(description="library id of a store or of a generator")
    count: Count = 1


class Backed(Frozen):
    """What stands behind an element of the electrical path: its protection, a store, generators."""

    breaker: str | None = Field(None, description="library id of the breaker of each unit")
    store: Standby | None = Field(None, description="batteries, of each UPS together or of the busbar")
    generators: Standby | None = Field(None, description="sets that feed this busbar when its feeds are dead")


class Element(Backed):
    """Equal devices in parallel on one busbar of the electrical path."""

    device: str = Field(description="library id of a transformer, ups, pdu, busway or feeder")
    count: Count = 1
    fed_from: str | dict[str, SharePlain] = Field(
        description="id of a campus element, `grid`, or id: share of each; a share of 0 stands by"
    )
    losses_to: Sink = Field("outdoors", description="where the heat of the losses goes")


class ChainLink(Backed):
    """An element inside a hall; the chain runs from the racks upward.

    ``systems`` separate systems (A, B, C, ...) of ``count / systems`` units each, side by side with those of the link
    above; where that has one, all join on its busbar. Racks have two cords on two of the lowest systems, all pairs in
    turn, so 2 is 2N, 3 is 3N2, 4 is 4N3. The last ``reserve`` of them carry nothing until another is lost
    (block-redundant); the racks then have one cord.
    """

    device: str = Field(description="library id of a transformer, ups, pdu, busway or feeder")
    count: Count = Field(1, description="units of all systems together")
    systems: Annotated[int, Field(ge=1, le=26)] = 1
    reserve: Annotated[int, Field(ge=0, le=25, description="systems among them that stand by")] = 0
    own: bool = Field(False, description="each unit feeds racks of its own; else all of a system share a busbar")
    losses_to: Sink = "electrical_room"
    mechanical: bool = Field(False, description="CDU pumps and fans of the hall join behind this element")


class RackGroup(Frozen):
    """Equal racks standing side by side in a row."""

    rack: str = Field(description="library id of a rack")
    count: Count


class Row(Frozen):
    """A row of racks, repeated ``count`` times."""

    count: Count = 1
    groups: list[RackGroup] = Field(min_length=1)


class Liquid(Frozen):
    """The racks' coolant loops of a hall: equal CDUs, the liquid-cooled racks divided evenly among them.

    Each CDU stands alone with its racks, or several share a manifold: they carry all racks on it together, and what is
    left carries on when one is lost.
    """

    cdu: str = Field(description="library id of a cdu")
    count: Count
    manifolds: Count | None = Field(None, description="common manifolds, with as many CDUs on each; without: none")
    loop: str = Field(description="facility-water loop of the building")
    supply_c: Celsius = Field(description="set point of the coolant supplied to the racks")
    supply_max_c: Celsius = Field(description="alarm limit of the coolant supplied to the racks")
    dew_point_guard_k: Kelvin = Field(
        2.0, description="coolant above the dew point of the room air at least (estimate)"
    )
    dew_point_control: bool = Field(False, description="the set point is raised to the guard where it is below it")
    manifold_length_m: Annotated[float | None, Quantity("m", "pipe of a loop, one way", gt=0, le=10_000)] = None
    manifold_diameter_mm: Annotated[float | None, Quantity("mm", "inner diameter of that pipe", gt=5, le=3000)] = None
    backed_by: BackedBy | None = Field(None, description="what keeps its pumps when the utility is lost; default: ups")
    coolant_to_room_w_k: Annotated[float, Quantity("W/K", "coolant of a loop to the room air", ge=0, le=100_000)] = 0.0
    rack_to_room_w_k: Annotated[
        float, Quantity("W/K", "plates of a rack to the room air while its coolant stands", ge=0, le=10_000)
    ] = 0.0

    @model_validator(mode="after")
    def _evenly(self) -> Liquid:
        if self.manifolds is not None and self.count % self.manifolds:
            words = "{count} CDUs do not divide evenly among {manifolds} manifolds"
            raise PydanticCustomError("manifolds", words, {"count": self.count, "manifolds": self.manifolds})
        if (self.manifold_length_m is None) != (self.manifold_diameter_mm is None):
            words = "manifold_length_m and manifold_diameter_mm go together: give both or none"
            raise PydanticCustomError("manifold", words)
        return self

    @property
    def coolant_loops(self) -> int:
        """Coolant loops of a hall: its manifolds, or its CDUs where each stands alone."""
        return self.manifolds or self.count

    @property
    def cdus_each(self) -> int:
        """CDUs on each coolant loop."""
        return self.count // self.coolant_loops


class Air(Frozen):
    """Air handling of a hall: equal units on one air volume."""

    crah: str = Field(description="library id of a crah")
    count: Count
    loop: str = Field(description="facility-water loop of the building")
    supply_c: Celsius = Field(description="set point of the supply air")
    # The top of the recommended envelope, ASHRAE TC 9.9.
    dew_point_c: Celsius = Field(15.0, description="highest dew point of the room air")
    recirculation: Recirculation = Field(0.05, description="share of return air in the rack inlet (containment leak)")
    bypass: Bypass = Field(0.0, description="share of the handlers' air that passes no rack and returns as it is")
    containment: str | None = Field(None, description="library id of a containment, in place of the two above")
    cross_interference: str | None = Field(None, description="path of a CSV of zones, in place of recirculation")
    zone_lag_s: Annotated[float, Quantity("s", "time constant of the zones' inlets", ge=0, le=3600)] = 60.0
    ashrae_class: AirName | None = Field(None, description="ASHRAE air class that the racks' inlets are held to")
    volume_m3_kw: Annotated[float, Quantity("m3/kW", "air volume per rated IT kW", gt=0, le=200)] = 10.0
    mass_kj_k_kw: Annotated[float, Quantity("kJ/(K kW)", "room mass per rated IT kW", ge=0, le=500)] = 30.0
    backed_by: BackedBy | None = Field(None, description="what keeps its fans; default: what stands above them")
    to_outdoors_w_k_kw: Annotated[
        float, Quantity("W/(K kW)", "room to the outdoor air per rated IT kW", ge=0, le=100)
    ] = 0.0

    @property
    def zoned(self) -> bool:
        """Whether the racks' inlets differ from zone to zone."""
        return self.containment is not None or self.cross_interference is not None

    @model_validator(mode="after")
    def _once(self) -> Air:
        rivals = ["recirculation", "containment", "cross_interference"]
        if self.containment is not None:
            rivals.append("bypass")
        given = [key for key in rivals if key in self.model_fields_set]
        if len(given) > 1:
            words = "{keys} say the same of the hall's air: give one of them"
            raise PydanticCustomError("air", words, {"keys": " and ".join(given)})
        return self


class Template(Frozen):
    """A hall as it is built many times."""

    rows: dict[Id, Row] = Field(min_length=1)
    liquid: Liquid | None = None
    air: Air
    chain: dict[Id, ChainLink] = Field(default_factory=dict, description="from the racks upward")
    cord_share: SharePlain = Field(0.5, description="share of a rack's first cord, where racks have two")
    note: str = ""

    @property
    def coolant_c(self) -> float:
        """Set point that the coolant is held at, degC; the supply air's where there is none."""
        if self.liquid is None:
            return self.air.supply_c
        guarded = self.air.dew_point_c + self.liquid.dew_point_guard_k
        return max(self.liquid.supply_c, guarded) if self.liquid.dew_point_control else self.liquid.supply_c


class Hall(Frozen):
    """One hall: a template, a date, a feed or one for each system of its top link."""

    template: str
    energised_on: Date = Field(description="first day with IT load, site-local standard time")
    fed_from: str | dict[Letter, str] = Field(
        description="id of the campus element above the hall's chain, or `grid`; or of each system of its top link: "
        "{A: b1, B: b2}"
    )
    load: str = Field("default", description="name of a load curve of the site")


class Reset(Frozen):
    """Supply set point that follows the weather: ``clip(T_outdoor + approach_k, supply_c, max_c)``."""

    on: Literal["dry_bulb", "wet_bulb"]
    approach_k: Kelvin
    max_c: Celsius


class RejectionBank(Frozen):
    """Equal heat-rejection units."""

    device: str = Field(description="library id of a tower or dry_cooler")
    count: Count


class ChillerBank(Frozen):
    """Equal chillers."""

    device: str = Field(description="library id of a chiller")
    count: Count


class Plant(Frozen):
    """Heat sink of a loop: rejection, then an economiser, then chillers that trim."""

    rejection: RejectionBank = Field(description="heat rejection, what sheds the heat of the loop outdoors")
    economizer: str = Field(description="library id of an economizer")
    chillers: ChillerBank | None = None
    fed_from: str | dict[str, SharePlain] = Field(
        description="id of the campus element that feeds the plant, `grid`, or id: share of each"
    )
    backed_by: BackedBy | None = Field(None, description="what keeps the plant; default: what stands above it")
    condenser_head_kpa: Annotated[float, Quantity("kPa", "head of the condenser-water pumps", ge=0, le=1000)] = 0.0
    condenser_volume_m3: Annotated[float, Quantity("m3", "basin and condenser-water volume", gt=0, le=100_000)]
    basin_to_outdoors_w_k: Annotated[float, Quantity("W/K", "that water to the outdoor air", ge=0, le=1_000_000)] = 0.0


class Loop(Frozen):
    """A facility-water loop of a building with its plant."""

    supply_c: Celsius = Field(description="set point of the facility supply")
    design_rise_k: Kelvin = Field(description="design temperature rise of the facility water")
    flow_max_m3_h: Annotated[float, Quantity("m3/h", "largest pumped flow", ge=0.001, le=1_000_000)]
    head_kpa: Annotated[float, Quantity("kPa", "pump head at the largest flow", gt=0, le=2000)]
    pump_efficiency: Annotated[float, Quantity("1", "wire to water", gt=0.05, le=0.95)] = 0.65
    pumps: Pumps | None = Field(None, description="its pumps by their curve; without them they stand or run together")
    volume_m3: Annotated[float, Quantity("m3", "water in supply and return headers, mixed", gt=0, le=1_000_000)]
    pipe_length_m: Annotated[float, Quantity("m", "pipe from plant to halls, one way", gt=0, le=20_000)] | None = None
    pipe_diameter_mm: Annotated[float, Quantity("mm", "inner diameter of that pipe", ge=1, le=3000)] | None = None
    store_m3: Annotated[
        float, Quantity("m3", "stratified store in the supply, all of it usable", ge=0, le=1_000_000)
    ] = 0.0
    to_outdoors_w_k: Annotated[
        float, Quantity("W/K", "water of headers, pipes and store to the outdoor air", ge=0, le=1_000_000)
    ] = 0.0
    coolant: Literal["water", "pg25"] = "water"
    ashrae_class: WaterName | None = Field(None, description="ASHRAE water class that the supply is held to")
    reset: Reset | None = None
    plant: Plant = Field(description="heat rejection, economiser and chillers of the loop")

    @model_validator(mode="after")
    def _pipe_whole(self) -> Loop:
        if (self.pipe_length_m is None) != (self.pipe_diameter_mm is None):
            raise PydanticCustomError("pipe", "a pipe has both, pipe_length_m and pipe_diameter_mm")
        return self

    def pipe_m3(self) -> float:
        """Water in the pipe from the plant to the halls, one way."""
        return 0.25 * pi * ((self.pipe_diameter_mm or 0.0) * 1e-3) ** 2 * (self.pipe_length_m or 0.0)


class Building(Frozen):
    """A building: its loops and halls."""

    loops: dict[Id, Loop] = Field(min_length=1)
    halls: dict[Id, Hall] = Field(min_length=1)


class Swing(Frozen):
    """Swings in step of all racks of a training job: high while they compute, low while they wait for each other."""

    amplitude: Annotated[float, Quantity("1", "utilisation while it computes less that while it waits", gt=0, le=1)]
    period_s: Annotated[float, Quantity("s", "time from one rise to the next", gt=0, le=3600)]
    duty: Annotated[float, Quantity("1", "share of the period in which it computes", gt=0, lt=1)] = 0.5


class LoadCurve(Frozen):
    """Utilisation of racks: a daily curve, with the swings of a training job on it, or a CSV of times and columns."""

    mean: SharePlain = 0.65
    daily_amplitude: SharePlain = 0.2
    peak_hour: Annotated[float, Quantity("h", "local hour of the daily peak", ge=0, lt=24)] = 15.0
    weekend_factor: Annotated[float, Quantity("1", "weekend mean per weekday mean", gt=0, le=1.5)] = 0.85
    rack_spread: SharePlain = Field(0.08, description="standard deviation of the racks' lasting offsets")
    rack_noise: SharePlain = Field(0.05, description="standard deviation of the racks' 15-minute wander")
    csv: str | None = Field(None, description="path of a CSV with column `time` and a column per hall or hall/group")
    swing: Swing | None = Field(None, description="a training job: its mean is that of the curve, its energy too")

    @model_validator(mode="after")
    def _fits(self) -> LoadCurve:
        if self.mean + self.daily_amplitude > 1.0 + 1e-12 or self.mean - self.daily_amplitude < -1e-12:
            raise PydanticCustomError("load", "mean +- daily_amplitude leaves 0..1")
        if self.swing:
            self._check_swing(self.swing)
        return self

    def _check_swing(self, swing: Swing) -> None:
        if self.csv is not None:
            raise PydanticCustomError("swing", "a recording has its own swings: give csv or swing")
        least = (self.mean - self.daily_amplitude) * min(1.0, self.weekend_factor)
        most = (self.mean + self.daily_amplitude) * max(1.0, self.weekend_factor)
        low, high = least - swing.amplitude * swing.duty, most + swing.amplitude * (1.0 - swing.duty)
        if low < -1e-12 or high > 1.0 + 1e-12:
            words = "with its swing the load goes from {low} to {high}, expected 0..1"
            raise PydanticCustomError("swing", words, {"low": f"{low:.3g}", "high": f"{high:.3g}"})


class Ambient(Frozen):
    """Weather of the site."""

    file: str = Field(description="name of a shipped year, or the path of an EPW or TMY3 file")
    stands_in_for: str | None = Field(None, description="the place meant, when the file is of another climate")


class Electrical(Frozen):
    """The campus side of the electrical path, up to the grid meter."""

    power_factor: Annotated[float, Quantity("1", "at the transformers", gt=0.5, le=1)] = 0.98
    elements: dict[Id, Element] = Field(min_length=1)


class Telemetry(Frozen):
    """How a site's telemetry names what the site has."""

    names: dict[str, str] = Field(
        default_factory=dict,
        description="twin's name (building/hall/row/place of a rack, building/hall/cdu-01, building/loop, an element): "
        "id in the telemetry; without one they are the same",
    )


class Site(Frozen):
    """A whole campus."""

    format: Literal[1] = Field(description="version of this file format")
    name: Id
    title: str = Field(min_length=3)
    note: str = ""
    base: str | None = Field(None, description="site that this one changes: a path or a shipped name")
    utc_offset_h: Annotated[float, Quantity("h", "local standard time minus UTC", ge=-12, le=14)]
    weather: Ambient
    contract: Contract
    electrical: Electrical
    templates: dict[Id, Template] = Field(min_length=1)
    buildings: dict[Id, Building] = Field(min_length=1)
    loads: dict[Id, LoadCurve] = Field(default_factory=lambda: {"default": LoadCurve()})
    inference: Inference | None = Field(None, description="what the racks serve; halls outside follow their load curve")
    grid: Grid | None = Field(None, description="limits, price and carbon of the grid connection")
    telemetry: Telemetry | None = Field(None, description="names of the site's items in its telemetry")
