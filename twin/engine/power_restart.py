"""Whether racks that were dark may be switched on again: the sets that would carry them have room for them.

On a battery alone nobody switches them on; on the utility nothing hinders them. On sets, as much of a block as hangs on
a plant must fit beside what the plant carries, recharge included, within the rating of the sets that run; blocks are
tried in their order. Else somebody waits for the utility: racks that are switched on regardless would be shed again.
"""

from __future__ import annotations

from twin.power.machine import Machine
from twin.power.machine_state import BATTERY, CARRY, RETURN

# As the plants have it for what is lost between a load and their busbar.
MARGIN = 1.05


class Lasting:
    """What has at an instant a source that lasts: the utility or sets, on some way without a battery in it."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._known: dict[int, bool] = {}

    def of(self, node: int) -> bool:
        """Whether a node has one; the utility is the node below 0."""
        if node < 0:
            return True
        if node not in self._known:
            net, live = self.machine.net, self.machine.state.live
            feeds = range(int(net.feed_ptr[node]), int(net.feed_ptr[node + 1]))
            self._known[node] = bool(live.alive[node] and live.mode[node] != BATTERY) and (
                int(live.plant[node]) in (CARRY, RETURN)
                or any(live.live[i] > 0.0 and self.of(int(net.feed[i])) for i in feeds)
            )
        return self._known[node]


class Room:
    """What the plants of a machine can still take at an instant, W by node; what is given away is no longer there."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        live, now = machine.state.live, machine.state.now
        self.left = {
            plant.node: plant.set_w * plant.running(machine.state, now)
            - float(live.into[plant.node] + live.charge[plant.node])
            for plant in machine.plants if live.plant[plant.node] in (CARRY, RETURN)
        }  # fmt: skip

    def take(self, node: int, watts: float) -> bool:
        """Whether a load of ``watts`` at ``node`` fits; if so it is taken."""
        asked = {plant: MARGIN * share * watts for plant, share in self._above(node, 1.0).items()}
        if any(self.left[plant] < need for plant, need in asked.items()):
            return False
        for plant, need in asked.items():
            self.left[plant] -= need
        return True

    def _above(self, node: int, share: float) -> dict[int, float]:
        """The plants on which a node hangs, each with its share of what the node draws."""
        if node in self.left:
            return {node: share}
        net, live = self.machine.net, self.machine.state.live
        found: dict[int, float] = {}
        for i in range(int(net.feed_ptr[node]), int(net.feed_ptr[node + 1])):
            if net.feed[i] >= 0 and live.live[i] > 0.0:
                for plant, part in self._above(int(net.feed[i]), share * float(live.live[i])).items():
                    found[plant] = found.get(plant, 0.0) + part
        return found


__all__ = ["Lasting", "Room"]
