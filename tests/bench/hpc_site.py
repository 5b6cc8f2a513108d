"""A Frontier-like system node by node: 9,472 one-node racks on 25 CDUs, with their own rack in ``library/``.

Electrical figures are those of the public ExaDigiT RAPS configuration divided by 128 nodes a rack, thermal ones those
of ``sites/library/racks/frontier-ex235a.yaml`` divided likewise. Every node has its own utilisation: spread and wander.
"""

from __future__ import annotations

from pathlib import Path

NODES, CDUS = 9_472, 25
_RAPS = 'source: "ExaDigiT RAPS, config/frontier.yaml: AC input of a rack / 128", confidence: reported'
_PRIOR = 'source: "prior: frontier-ex235a / 128", confidence: estimate'

_RACK = f"""\
kind: rack
title: One node of Frontier as a rack of its own
systems: 1
rating_plane: ac_input
rated_power_kw: {{value: 2.9578, {_RAPS}}}
idle_power_kw: {{value: 0.7491, {_RAPS}}}
coolant: water
liquid_share: {{value: 0.945, low: 0.9, high: 1.0, {_PRIOR}}}
body_share: {{value: 0.055, {_PRIOR}}}
liquid_flow_lpm: {{value: 4.3, {_PRIOR}}}
liquid_inlet_max_c: {{value: 40, {_PRIOR}}}
air_inlet_max_c: {{value: 35, {_PRIOR}}}
air_rise_k: {{value: 12, {_PRIOR}}}
plate_conductance_kw_k: {{value: 0.28, {_PRIOR}}}
plate_capacity_kj_k: {{value: 3.9, {_PRIOR}}}
body_capacity_kj_k: {{value: 7.8, {_PRIOR}}}
body_to_plate_kw_k: {{value: 0, {_PRIOR}}}
body_to_air_kw_k: {{value: 0.011, {_PRIOR}}}
"""

_SITE = """\
format: 1
name: hpc-nodes
title: Frontier node by node, for benchmarks
utc_offset_h: -5
weather: {{file: washington-dulles, stands_in_for: "Oak Ridge, Tennessee"}}
contract:
  tranches:
    - {{from: "2020-01-01", mw: 40, source: "prior: as in the site frontier", confidence: estimate}}
electrical:
  elements:
    it: {{device: lossless, fed_from: grid}}
    plant: {{device: lossless, fed_from: grid}}
templates:
  nodes:
    rows:
      full: {{count: {full}, groups: [{{rack: frontier-node, count: {most}}}]}}
      last: {{groups: [{{rack: frontier-node, count: {rest}}}]}}
    liquid: {{cdu: frontier-cdu, count: {cdus}, loop: htw, supply_c: 36, supply_max_c: 40}}
    air: {{crah: fan-wall-400kw, count: 6, loop: htw, supply_c: 34}}
loads:
  jobs: {{mean: 0.6, daily_amplitude: 0.1, weekend_factor: 0.95, rack_spread: 0.2, rack_noise: 0.2}}
buildings:
  b1:
    loops:
      htw:
        supply_c: 31
        design_rise_k: 6
        flow_max_m3_h: 5000
        head_kpa: 200
        volume_m3: 120
        plant:
          rejection: {{device: tower-cell-10mw, count: 5}}
          economizer: economizer-plate
          fed_from: plant
          condenser_head_kpa: 150
          condenser_volume_m3: 150
    halls:
      h1: {{template: nodes, energised_on: "2020-01-01", fed_from: it, load: jobs}}
"""


def write(folder: Path) -> Path:
    """Write the site and its library into ``folder``; returns the site file."""
    most = -(-NODES // CDUS)
    rest = NODES - most * (CDUS - 1)
    racks = folder / "library" / "racks"
    racks.mkdir(parents=True)
    (racks / "frontier-node.yaml").write_text(_RACK)
    site = folder / "hpc-nodes.yaml"
    site.write_text(_SITE.format(full=CDUS - 1, most=most, rest=rest, cdus=CDUS))
    return site


__all__ = ["NODES", "write"]
