"""Loops of an EnergyPlus model: sides of parallel branches between an entry and an exit, as epJSON objects."""

from __future__ import annotations

from typing import Any, NamedTuple

Objects = dict[str, dict[str, Any]]
PIPE = "Pipe:Adiabatic"


class Part(NamedTuple):
    """A component on a branch: its kind and name; ``port`` tells the two sides of one component apart."""

    kind: str
    name: str
    port: str = ""

    def node(self, end: str) -> str:
        """Name of the node at ``in`` or ``out``."""
        return " ".join(filter(None, (self.name, self.port, end)))


def merged(*many: Objects) -> Objects:
    """One set of objects of several."""
    made: Objects = {}
    for objects in many:
        for kind, named in objects.items():
            made.setdefault(kind, {}).update(named)
    return made


def _branch(parts: list[Part], nodes: list[str]) -> dict[str, Any]:
    return {
        "components": [
            {
                "component_object_type": part.kind,
                "component_name": part.name,
                "component_inlet_node_name": nodes[i],
                "component_outlet_node_name": nodes[i + 1],
            }
            for i, part in enumerate(parts)
        ]
    }


def side(name: str, entry: list[Part], middle: list[Part], *, bypass: bool = False) -> Objects:
    """A side of a loop: ``entry`` in series, then ``middle`` in parallel (with a bypass), then a pipe.

    Nodes are ``<part> in`` and ``<part> out``; inside the entry the outlet of a part is the inlet of the next.
    """
    found: Objects = {k: {} for k in ("Branch", "BranchList", "ConnectorList", PIPE)}
    pipes = [Part(PIPE, f"{name} exit"), *([Part(PIPE, f"{name} bypass")] if bypass else [])]
    for pipe in pipes + [part for part in entry if part.kind == PIPE]:
        found[PIPE][pipe.name] = {"inlet_node_name": pipe.node("in"), "outlet_node_name": pipe.node("out")}
    series = [entry[0].node("in"), *(part.node("in") for part in entry[1:]), entry[-1].node("out")]
    found["Branch"][f"{name} entry"] = _branch(entry, series)
    parallel = middle + pipes[1:]
    for part in [*parallel, pipes[0]]:
        found["Branch"][f"{name} {part.name}"] = _branch([part], [part.node("in"), part.node("out")])
    first, last = f"{name} entry", f"{name} {pipes[0].name}"
    between = [f"{name} {part.name}" for part in parallel]
    found["BranchList"][name] = {"branches": [{"branch_name": b} for b in (first, *between, last)]}
    found["Connector:Splitter"] = {
        f"{name} split": {"inlet_branch_name": first, "branches": [{"outlet_branch_name": b} for b in between]}
    }
    found["Connector:Mixer"] = {
        f"{name} mix": {"outlet_branch_name": last, "branches": [{"inlet_branch_name": b} for b in between]}
    }
    found["ConnectorList"][name] = {
        "connector_1_object_type": "Connector:Splitter",
        "connector_1_name": f"{name} split",
        "connector_2_object_type": "Connector:Mixer",
        "connector_2_name": f"{name} mix",
    }
    return found


def outlet(name: str) -> str:
    """The node that leaves a side."""
    return f"{name} exit out"


def operation(name: str, equipment: Part, word: str) -> Objects:
    """The scheme of a loop whose one component takes all load."""
    part = {"equipment_object_type": equipment.kind, "equipment_name": equipment.name}
    return {
        f"{word}EquipmentOperationSchemes": {
            f"{name} schemes": {
                "control_scheme_1_object_type": "PlantEquipmentOperation:CoolingLoad",
                "control_scheme_1_name": f"{name} load",
                "control_scheme_1_schedule_name": "always",
            }
        },
        "PlantEquipmentOperation:CoolingLoad": {
            f"{name} load": {
                "load_range_1_lower_limit": 0.0,
                "load_range_1_upper_limit": 1e12,
                "range_1_equipment_list_name": f"{name} bank",
            }
        },
        f"{word}EquipmentList": {f"{name} bank": {"equipment": [part]}},
    }


def set_point(name: str, schedule: str, node: str) -> Objects:
    """A set point that follows a schedule."""
    return {
        "SetpointManager:Scheduled": {
            name: {
                "control_variable": "Temperature",
                "schedule_name": schedule,
                "setpoint_node_or_nodelist_name": node,
            }
        }
    }
