"""The accelerators that serving tables are extrapolated for: peak dense figures, with their sources.

``bits`` of the arithmetic: 4 or 8 where a chip has both.
"""

from __future__ import annotations

from dataclasses import dataclass

from twin.inference.roofline import Devices, Efficiency


@dataclass(frozen=True)
class Hardware:
    """A replica's devices; ``gb`` memory of one, ``link`` GB/s of a whole replica's network, ``said`` the source."""

    name: str
    devices: Devices
    gb: float
    link: float
    said: str
    confidence: str


B200 = "NVIDIA DGX B200 data sheet, dense (half of the sparse figure), 180 GB and 8 TB/s a GPU"
GB200 = "NVIDIA GB200 NVL72 data sheet: dense FP4 720 PF, 13.4 TB and 576 TB/s a rack"
GB300 = "NVIDIA GB300 NVL72 data sheet: dense FP4 1,080 PF, 20 TB and 576 TB/s a rack"
RUBIN = "NVIDIA at CES 2026, preliminary: 3.6 EF NVFP4 and 1.2 EF FP8 a rack, 288 GB and 22 TB/s a GPU"
TRN2 = "Trainium2: 667 TF BF16, 96 GB, 2.9 TB/s a chip (SemiAnalysis, as retold)"


def h100(count: int) -> Hardware:
    said = "NVIDIA H100 SXM data sheet: 989 TF BF16 dense, 80 GB, 3.35 TB/s"
    return Hardware("H100", Devices(count, 989e12, 3.35e12), 80.0, 50.0 * count, said, "vendor")


def b200(count: int, bits: int = 4) -> Hardware:
    return Hardware("B200", Devices(count, 36e15 / bits, 8e12), 180.0, 50.0 * count, B200, "vendor")


def gb200(count: int, bits: int = 4) -> Hardware:
    return Hardware("GB200", Devices(count, 40e15 / bits, 8e12), 13_400 / 72, 50.0 * count, GB200, "vendor")


def gb300(count: int, bits: int = 4) -> Hardware:
    return Hardware(
        "GB300", Devices(count, 15e15 if bits == 4 else 5e15, 8e12), 20_000 / 72, 100.0 * count, GB300, "vendor"
    )


def rubin(count: int, bits: int = 4) -> Hardware:
    return Hardware(
        "Rubin", Devices(count, 50e15 if bits == 4 else 1.2e18 / 72, 22e12), 288.0, 100.0 * count, RUBIN, "vendor"
    )


def trainium2(count: int) -> Hardware:
    return Hardware("Trainium2", Devices(count, 667e12, 2.9e12), 96.0, 25.0 * count, TRN2, "reported")


# FP4 kernels reach less of their peak than BF16 ones: fitted to GB200 NVL72, llama3.1-405b Offline (``anchors``).
PRIOR = Efficiency()
TRAINIUM = Efficiency(compute=0.35, start_s=0.01)
WAFER = Efficiency(compute=0.20, start_s=0.005)
WAFER_FLOP_S = 15.6e15
WAFER_GB = 44.0
WAFER_LINK = 150.0
