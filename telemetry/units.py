"""Units as sources write them, to the unit of the model: value = written x factor + offset.

Symbols: factor and offset in the unit of the dimension (UDUNITS), which is SI but for degC and dB. Valid for any finite
value. Factors: NIST Special Publication 811 (2008), appendix B, exact but for inch of water (conventional, 4 degC);
US gallon. Case counts: "mW" is not "MW". A word that is not here is no unit: its point is refused, never guessed.
"""

from __future__ import annotations

from typing import NamedTuple

DIMENSIONS: dict[str, str] = {
    "temperature": "degC",
    "power": "W",
    "apparent_power": "V A",
    "reactive_power": "V A",
    "energy": "J",
    "current": "A",
    "voltage": "V",
    "frequency": "Hz",
    "volume_flow": "m3 s-1",
    "mass_flow": "kg s-1",
    "pressure": "Pa",
    "share": "1",
    "rotation": "s-1",
    "sound": "dB",
    "time": "s",
    "volume": "m3",
    "count": "1",
}
"""Unit of the model by dimension."""


class Unit(NamedTuple):
    """A written unit: ``factor`` and ``offset`` lead to the unit of its ``dimension``."""

    dimension: str
    factor: float
    offset: float = 0.0

    @property
    def units(self) -> str:
        """UDUNITS of what comes out."""
        return DIMENSIONS[self.dimension]


LITRE_PER_MINUTE = 1e-3 / 60.0
GALLON_PER_MINUTE = 3.785411784e-3 / 60.0
CUBIC_FOOT_PER_MINUTE = 0.3048**3 / 60.0


def _rows(dimension: str, factor: float, *written: str, offset: float = 0.0) -> dict[str, Unit]:
    return {word: Unit(dimension, factor, offset) for word in written}


UNITS: dict[str, Unit] = {
    **_rows("temperature", 1.0, "C", "°C", "degC", "Cel"),
    **_rows("temperature", 5.0 / 9.0, "F", "°F", "degF", offset=-160.0 / 9.0),
    **_rows("temperature", 1.0, "K", offset=-273.15),
    **_rows("power", 1.0, "W"),
    **_rows("power", 1e-3, "mW"),
    **_rows("power", 1e3, "kW"),
    **_rows("power", 1e6, "MW"),
    **_rows("apparent_power", 1.0, "VA"),
    **_rows("apparent_power", 1e3, "kVA"),
    **_rows("apparent_power", 1e6, "MVA"),
    **_rows("reactive_power", 1.0, "var", "VAR", "VAr"),
    **_rows("reactive_power", 1e3, "kvar", "kVAR", "kVAr"),
    **_rows("reactive_power", 1e6, "Mvar", "MVAR", "MVAr"),
    **_rows("energy", 1.0, "J"),
    **_rows("energy", 1e-3, "mJ"),
    **_rows("energy", 3.6e3, "Wh"),
    **_rows("energy", 3.6e6, "kWh"),
    **_rows("energy", 3.6e9, "MWh"),
    **_rows("current", 1.0, "A"),
    **_rows("current", 1e-3, "mA"),
    **_rows("current", 1e3, "kA"),
    **_rows("voltage", 1.0, "V"),
    **_rows("voltage", 1e-3, "mV"),
    **_rows("voltage", 1e3, "kV"),
    **_rows("frequency", 1.0, "Hz"),
    **_rows("volume_flow", LITRE_PER_MINUTE, "LPM", "lpm", "L/min", "l/min"),
    **_rows("volume_flow", 1e-3, "L/s", "l/s", "LPS"),
    **_rows("volume_flow", GALLON_PER_MINUTE, "GPM", "gpm"),
    **_rows("volume_flow", CUBIC_FOOT_PER_MINUTE, "CFM", "cfm"),
    **_rows("volume_flow", 1.0 / 3600.0, "m3/h", "m³/h", "CMH"),
    **_rows("volume_flow", 1.0, "m3/s", "m³/s", "m3 s-1"),
    **_rows("mass_flow", 1.0, "kg/s", "kg s-1"),
    **_rows("pressure", 1.0, "Pa"),
    **_rows("pressure", 1e2, "mbar", "hPa"),
    **_rows("pressure", 1e3, "kPa"),
    **_rows("pressure", 1e5, "bar"),
    **_rows("pressure", 1e6, "MPa"),
    **_rows("pressure", 6894.757293168, "psi", "PSI"),
    **_rows("pressure", 249.08891, "inH2O", "inWC", "in.w.c."),
    **_rows("share", 0.01, "%", "%RH", "percent", "Percent"),
    **_rows("rotation", 1.0 / 60.0, "RPM", "rpm"),
    **_rows("rotation", 1.0, "s-1", "1/s"),
    **_rows("sound", 1.0, "dB", "dBA", "dB(A)"),
    **_rows("time", 1.0, "s"),
    **_rows("time", 1e-3, "ms"),
    **_rows("time", 60.0, "min"),
    **_rows("time", 3600.0, "h"),
    **_rows("volume", 1e-3, "L", "l"),
    **_rows("volume", 1.0, "m3", "m³"),
    **_rows("count", 1.0, "1"),
}

POSSIBLE: dict[str, tuple[float, float]] = {
    "temperature": (-100.0, 500.0),
    "power": (-1e10, 1e10),
    "apparent_power": (-1e10, 1e10),
    "reactive_power": (-1e10, 1e10),
    "current": (-1e6, 1e6),
    "voltage": (-2e6, 2e6),
    "frequency": (0.0, 1e12),
    "volume_flow": (-100.0, 1e4),
    "mass_flow": (-1e5, 1e6),
    "pressure": (-1e7, 1e9),
    "share": (-10.0, 100.0),
    "rotation": (-1e4, 1e4),
    "sound": (-20.0, 200.0),
}
"""What a reading of a dimension can be at all, where nothing nearer is known of the point: estimates of ours."""
