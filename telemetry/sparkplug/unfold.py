"""Members of templates as metrics of their own: ``Pump 1/Speed`` is the member ``Speed`` of the instance ``Pump 1``.

    template T of an instance N   ->   N, and of each member m of T the metric N/m, templates in templates likewise

SCADA gateways send their user-defined types so. An instance in data may have nothing but its alias, and only the
members that changed. A member without a time or a quality of its own has that of its instance; history of an instance
is its members' too. Definitions (``is_definition``) and parameters are no readings. Aliases of members are not looked
at: they belong to the instance.

Valid range: names of at most ``LONGEST_NAME`` letters; what is longer is left out, as in births.
Source: Eclipse Sparkplug specification 3.0.0, sections 6.4.12 to 6.4.14.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Self

import msgspec

from telemetry import strict
from telemetry.batch import Reason, Reject
from telemetry.sparkplug.payload import MAX_BYTES, Payload, Stood, read
from telemetry.sparkplug.schema import CLASSES

LONGEST_NAME = 1024
QUALITY = "Quality"
TOO_MUCH = f"templates of more than {MAX_BYTES} bytes once each member has its whole name"


class Said(NamedTuple):
    """What is said of an instance and holds for members that do not say it themselves."""

    time_ms: int | None = None
    historical: bool = False
    quality: Any = None

    def of(self, metric: Any) -> Self:
        """The same with what ``metric`` says itself."""
        return self._replace(
            time_ms=metric.timestamp if metric.HasField("timestamp") else self.time_ms,
            historical=self.historical or metric.is_historical,
            quality=_quality(metric) or self.quality,
        )


def unfolded(payload: Payload, name_of: Callable[[int], str | None]) -> Payload | Reject:
    """``payload`` with the members of its templates behind its metrics; itself where it has no template.

    ``name_of`` knows by alias what an instance is called that does not say it.
    """
    if not (payload.field == Stood.TEMPLATE).any():
        return payload
    made = CLASSES["Payload"].FromString(payload.data)
    size = len(payload.data)
    for metric in list(made.metrics):
        name = metric.name if metric.HasField("name") else name_of(metric.alias) if metric.HasField("alias") else None
        for member in _members(metric, name or "", Said()):
            size += member.ByteSize()
            if size > MAX_BYTES:
                return strict.refuse(Reason.SIZE, TOO_MUCH)
            made.metrics.append(member)
    if payload.timestamp_ms is not None:
        made.timestamp = payload.timestamp_ms
    found = read(made.SerializeToString())
    return found if isinstance(found, Reject) else msgspec.structs.replace(found, seq=payload.seq)


def _members(metric: Any, name: str, said: Said) -> Iterator[Any]:
    """The members of a metric that is an instance called ``name``, and those of instances among them."""
    template = metric.template_value
    if metric.WhichOneof("value") != "template_value" or template.is_definition or not name:
        return
    said = said.of(metric)
    for each in template.metrics:
        whole = f"{name}/{each.name}"
        if not each.name or len(whole) > LONGEST_NAME:
            continue
        if each.WhichOneof("value") == "template_value":
            yield from _members(each, whole, said)
        else:
            yield _member(each, whole, said)


def _member(metric: Any, name: str, said: Said) -> Any:
    """A member as a metric of its own."""
    made = CLASSES["Metric"]()
    made.CopyFrom(metric)
    made.name, made.is_historical = name, metric.is_historical or said.historical
    made.ClearField("alias")
    if said.time_ms is not None and not metric.HasField("timestamp"):
        made.timestamp = said.time_ms
    if said.quality is not None and _quality(metric) is None:
        made.properties.keys.insert(0, QUALITY)  # in front: there may be more keys than values
        made.properties.values.insert(0, said.quality)
    return made


def _quality(metric: Any) -> Any:
    """The property Quality, None without one."""
    pairs = zip(metric.properties.keys, metric.properties.values, strict=False)
    return next((value for key, value in pairs if key == QUALITY), None)


__all__ = ["LONGEST_NAME", "unfolded"]
