"""A twin beside a site that speaks line protocol or plain JSON, by a mapping that calls items as the site does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from telemetry.clock import NS
from telemetry.decode import make
from telemetry.live.frame import Mode
from telemetry.message import Message
from tests.telemetry.heard import NOON, START_NS
from tests.telemetry.lived import Lived
from twin.core.coolant import density

SITE, CDU = "rubin-manifold", "manifold-01"
RACKS = {f"{row}/{place:02d}": 150.0 + place for row in ("r-1", "r-2", "r-3") for place in range(1, 9)}  # kW
COOLING = {"flow_lpm": 5960.0, "supply_c": 42.1}
WEATHER = {"temp_c": 22.6, "rh": 78.0}
OF_COOLING = """
  - {field: flow_lpm, WHERE variable: cdu_liquid_volume_flow, unit: LPM, qualifier: [secondary], item: "b/h/{unit}"}
  - {field: supply_c, WHERE variable: cdu_supply_temperature, unit: C, item: "b/h/{unit}"}
"""
OF_WEATHER = """
  - {field: temp_c, WHERE variable: outdoor_dry_bulb_temperature, unit: C}
  - {field: rh, WHERE variable: outdoor_relative_humidity, unit: "%"}
"""
POWER = '{field: kw, WHERE variable: rack_power, unit: kW, item: "b/h/{row}/{place}"}'


def where(text: str, measurement: str) -> str:
    return text.replace("WHERE", f"where: {{measurement: {measurement}}}," if measurement else "")


INFLUX = f"""format: 1
title: Telegraf
rules:
- topic: "telegraf/#"
  readings:
  - {where(POWER, "pdu")}{where(OF_COOLING, "cdu")}{where(OF_WEATHER, "weather")}
"""
PLAIN = f"""format: 1
title: a gateway
rules:
- topic: "site/{{row}}/{{place}}/pdu"
  source: pdu
  time_field: ts
  time_unit: ms
  readings:
  - {where(POWER, "")}
- topic: "site/cdu/{{unit}}"
  time_field: ts
  time_unit: ms
  readings:{where(OF_COOLING, "")}
- topic: "site/weather"
  time_field: ts
  time_unit: ms
  readings:{where(OF_WEATHER, "")}
"""
MAPPINGS = {"influx": INFLUX, "plain": PLAIN}


def line(series: str, fields: dict[str, float], at_ns: int) -> str:
    return f"{series} {','.join(f'{key}={value}' for key, value in fields.items())} {at_ns}\n"


def by_lines(at_ns: int) -> Iterator[tuple[str, str]]:
    """What Telegraf publishes at an instant: topics and payloads."""
    places = (name.split("/") for name in RACKS)
    powers = zip(places, RACKS.values(), strict=True)
    yield (
        "telegraf/gw/racks",
        "".join(line(f"pdu,host=gw,place={place},row={row}", {"kw": kw}, at_ns) for (row, place), kw in powers),
    )
    yield "telegraf/gw/cdu", line(f"cdu,unit={CDU}", COOLING, at_ns) + line("weather", WEATHER, at_ns)


def by_json(at_ns: int) -> Iterator[tuple[str, str]]:
    """What a gateway publishes at an instant."""
    stamp = {"ts": at_ns // 10**6}
    yield from ((f"site/{rack}/pdu", json.dumps({**stamp, "kw": kw})) for rack, kw in RACKS.items())
    yield f"site/cdu/{CDU}", json.dumps({**stamp, **COOLING})
    yield "site/weather", json.dumps({**stamp, **WEATHER})


SPEAK = {"influx": by_lines, "plain": by_json}


def beside(dialect: str, folder: Path, *hostile: tuple[str, bytes], lasting_s: int = 12) -> Lived:
    """A twin that heard all of the site each second, and in each of them what is hostile."""
    file = folder / "mapping.yaml"
    file.write_text(MAPPINGS[dialect])
    said: list[tuple[str, bytes, int]] = []
    for second in range(lasting_s):
        at = START_NS + second * NS
        said += [(topic, text.encode(), at) for topic, text in SPEAK[dialect](at)]
        said += [(topic, payload.replace(b"NOW", b"%d" % at), at) for topic, payload in hostile]
    messages = [Message(topic, payload, at, n, 1, retain=False) for n, (topic, payload, at) in enumerate(said)]
    return Lived(messages, SITE, lasting_s, at=NOON, decoder=make(dialect, {"mapping": str(file)}))


@pytest.fixture(scope="module", params=sorted(MAPPINGS))
def lived(request, tmp_path_factory) -> tuple[str, Lived]:
    return request.param, beside(request.param, tmp_path_factory.mktemp("mapped"))


def test_the_twin_is_driven_by_what_is_measured(lived):
    _, twin = lived
    frame = twin.frames[-1]
    assert (frame.mode, frame.note) == (Mode.LIVE, "")
    told = twin.session.told()
    assert (told["bound"]["bound"], told["bound"]["of_this_site"]) == (len(RACKS) + 4, len(RACKS) + 2)
    assert sum(told["state"]["rejects"].values()) == 0
    for name in ("rack_power", "cdu_flow", "cdu_supply_temperature", "outdoor_dry_bulb_temperature"):
        assert frame.used[name].all(), name
        assert frame.simulated[name] == pytest.approx(frame.measured[name], rel=1e-6), name
    assert frame.measured["hall_it_power"] == pytest.approx([sum(RACKS.values()) * 1e3])
    litres_a_second = COOLING["flow_lpm"] / 60e3
    assert density("pg25", 60.0) < frame.measured["cdu_flow"][0] / litres_a_second < density("pg25", 20.0)


def test_humidity_by_its_name_makes_the_wet_bulb(lived):
    frame = lived[1].frames[-1]
    [measured] = frame.measured["outdoor_wet_bulb_temperature"]
    assert WEATHER["temp_c"] - 5.0 < measured < WEATHER["temp_c"]
    assert frame.used["outdoor_wet_bulb_temperature"].all()
