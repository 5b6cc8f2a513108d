"""A node of devices behind power supplies and fans: what device and image draws share.

Equations (W; n devices, p power of one device, b share of time in which the node works)::

    P_dc   = host_idle + b (host_busy - host_idle) + n p + network
    P_fan  = max(fan_floor, fan_full (P_dc / P_dc,full)^3)            air flow follows power, fan power its cube
    P      = P_dc / psu_efficiency + P_fan

P_dc,full is the node with all devices at their highest power. Fans stand behind supplies of their own loss: their
figures are at the AC input. Range: inlet air at or below the rack's limit (fans do not speed up for warm air).

Source: form from facts of MLPerf Inference v5.1 meter logs (idle wall power of the air-cooled server is 0.5 kW above
that of the water-cooled one with the same devices); fan affinity law, ASHRAE Handbook, Systems and Equipment, ch. 21.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from twin.core.params import Figure, Quantity, Share
from twin.inference.draw import Draw

Floats = NDArray[np.float64]


class Node(Draw):
    """Parameters of the parts around the devices, of one system."""

    devices: int = Field(ge=1, le=10_000, description="devices (GPUs, chips) in one system")
    device_idle_w: Annotated[Figure, Quantity("W", "a device without work, model loaded", ge=0, le=1e6)]
    host_idle_w: Annotated[Figure, Quantity("W", "hosts, memory and storage of a system without work", ge=0, le=1e5)]
    host_busy_w: Annotated[Figure, Quantity("W", "hosts, memory and storage while serving", ge=0, le=1e5)]
    network_w: Annotated[Figure, Quantity("W", "network cards and device switches of a system", ge=0, le=1e5)]
    psu_efficiency: Annotated[Share, Quantity("1", "of the power supplies and converters", gt=0.5, le=1)]
    fan_floor_w: Annotated[Figure, Quantity("W", "fans and pumps of a system at their lowest speed", ge=0, le=1e5)]
    fan_full_w: Annotated[Figure, Quantity("W", "fans and pumps with all devices at their highest", ge=0, le=1e5)]

    @abstractmethod
    def device_most_w(self) -> float:
        """Highest power of a device in this draw."""

    def wall_w(self, device_w: Floats, busy: Floats) -> Floats:
        """Power at the AC input (n) with devices at ``device_w`` (n) each, working ``busy`` (n, 0..1) of the time."""
        dc = self._dc_w(np.asarray(device_w, float), np.asarray(busy, float))
        full = float(self._dc_w(np.array(self.device_most_w()), np.array(1.0)))
        fans = np.maximum(self.fan_floor_w.value, self.fan_full_w.value * (dc / full) ** 3)
        return np.asarray(dc / self.psu_efficiency.value + fans)

    def shares(self, device_w: float) -> dict[str, float]:
        """Where the power of a busy system goes (sum 1): devices, hosts, network, supplies' loss, fans."""
        total = float(self.wall_w(np.array(device_w), np.array(1.0)))
        dc = float(self._dc_w(np.array(device_w), np.array(1.0)))
        loss = dc / self.psu_efficiency.value - dc
        parts = {"devices": self.devices * device_w, "hosts": self.host_busy_w.value, "network": self.network_w.value}
        return {k: w / total for k, w in {**parts, "supplies": loss, "fans": total - dc - loss}.items()}

    def idle_w(self) -> float:
        """Powered on, without a request."""
        return float(self.wall_w(np.array(self.device_idle_w.value), np.array(0.0)))

    def _dc_w(self, device_w: Floats, busy: Floats) -> Floats:
        host = self.host_idle_w.value + busy * (self.host_busy_w.value - self.host_idle_w.value)
        return np.asarray(host + self.devices * device_w + self.network_w.value)


__all__ = ["Node"]
