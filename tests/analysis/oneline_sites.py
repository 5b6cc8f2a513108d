"""Small sites for the one-line diagram: systems side by side, a reserve, feeds that mesh."""

from __future__ import annotations

from pathlib import Path

BASE = """\
base: azure-dgx
name: {name}
electrical:
  elements:
    {elements}
templates:
  five:
    chain:
      {five}
  forty:
    chain:
      {forty}
buildings:
  az:
    halls:
      five: {{template: five, energised_on: "2023-11-16", fed_from: {feed}}}
      forty: {{template: forty, energised_on: "2023-11-16", fed_from: {feed}}}
"""
PLAIN = "it: {device: tr-1000-lv-dry, count: 2, fed_from: grid}"
TWO_N = [
    "pdu: {device: pdu-wp113, count: 4, systems: 2, mechanical: false}",
    "ups: {device: ups-wp113-legacy, count: 4, systems: 2, mechanical: true}",
    "lv: {device: lv-switchgear, count: 2, systems: 2}",
    "tr: {device: tr-1000-lv-dry, count: 2}",
]
FOUR = [
    "pdu: {device: rpp-500kw, count: 4, systems: 4, mechanical: false}",
    "ups: {device: ups-99-eco, count: 8, systems: 4, mechanical: true}",
    "tr: {device: tr-1000-lv-dry, count: 4, systems: 4, losses_to: outdoors}",
]
MESH = [
    "east: {device: mv-feeder, fed_from: grid}",
    "west: {device: mv-feeder, count: 2, fed_from: grid}",
    "ring: {device: lv-switchgear, fed_from: {east: 0.5, west: 0.5}}",
    "spare: {device: hv-line, fed_from: grid}",
    "it: {device: sst-800vdc, count: 2, fed_from: {ring: 1.0, spare: 0}}",
]


def site(
    folder: Path, name: str, five: list[str] | None = None, forty: list[str] | None = None, mesh: bool = False
) -> Path:
    """A site of two halls with these chains, the links from the racks upward."""
    path = folder / f"{name}.yaml"
    # Links of the base stay where they are not named again: its "pdu" is always one of ours.
    lines = {"five": five or TWO_N, "forty": forty or FOUR, "elements": MESH if mesh else [PLAIN]}
    joined = {key: ("\n    " if key == "elements" else "\n      ").join(rows) for key, rows in lines.items()}
    path.write_text(BASE.format(name=name, feed="it", **joined))
    return path


def reserve(rows: list[str], systems: int = 4) -> list[str]:
    """The same chain, its last system standing by."""
    return [row.replace(f"systems: {systems}", f"systems: {systems}, reserve: 1") for row in rows]
