"""Every shipped serving configuration: which model on what, and where its figures come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.inference import anchors as fits
from tests.inference import hardware as hw
from tests.inference import speeds
from tests.inference.serving_entry import Curve, Entry, Fact
from twin.inference.model import Model
from twin.inference.roofline import Devices, Efficiency, decode_step, prefill_time
from twin.site.library import load_library

Floats = NDArray[np.float64]
LIBRARY = load_library()
PROMPTS = np.array([0.0, 512.0, 2048.0, 4096.0, 8192.0, 16_384.0, 32_768.0, 65_536.0, 131_072.0])
ROOM = 0.95
PHASES = {"colocated": "prompts and tokens", "prefill": "prompts only", "decode": "tokens only"}
ROOFLINE = "roofline (twin.inference.roofline)"


@dataclass(frozen=True)
class Layout:
    """Where a replica runs: its devices, its share of a system, its draw."""

    hardware: hw.Hardware
    rack: str
    systems: float
    draw: str
    label: str


def b200(count: int, bits: int = 4, draw: str = "b200x8-air-llm") -> Layout:
    label = "one B200" if count == 1 else f"{count} x B200"
    return Layout(hw.b200(count, bits), "hgx-b200-air", count / 8, draw, label)


def gb200(bits: int) -> Layout:
    return Layout(hw.gb200(8, bits), "gb200-nvl72", 8 / 72, "gb200-nvl72-llm", "8 of 72 GB200")


def gb300(bits: int) -> Layout:
    return Layout(hw.gb300(8, bits), "gb300-nvl72", 8 / 72, "gb300-nvl72-llm", "8 of 72 GB300")


def rubin(bits: int) -> Layout:
    return Layout(hw.rubin(8, bits), "vr-nvl72", 8 / 72, "vr-nvl72-llm", "8 of 72 Rubin")


TRN2 = Layout(hw.trainium2(16), "trn2-ultraserver", 1.0, "trn2-server-llm", "16 x Trainium2")
FITTED = fits.fitted_compute(LIBRARY.get("llama-3.1-405b", Model))


def rises() -> tuple[float, float]:
    """How much faster step times rise than the roofline: dense 405B on B200, mixture of experts on GB300."""
    dense, experts = LIBRARY.get("llama-3.1-405b", Model), LIBRARY.get("deepseek-r1", Model)
    one = np.ones(1)
    return (
        fits.anchored(dense, hw.b200(8), fits.SERVER_405B, FITTED, 4.0, 8.0, one)[1],
        fits.anchored(experts, hw.gb300(8), fits.OFFLINE_R1_GB300, FITTED, 4.5, 8.0, one)[1],
    )


def head(
    model: str, title: str, racks: list[str], systems: float, phase: str, draw: str, **more: Any
) -> dict[str, Any]:
    plain: dict[str, Any] = {"kind": "serving", "title": f"{title}, {PHASES[phase]}"}
    if "note" in more:
        plain["note"] = more.pop("note")
    return {
        **plain,
        "model": model,
        "racks": racks,
        "systems_per_replica": systems,
        "phase": phase,
        "draw": draw,
        **more,
    }


def batches(most: float) -> Floats:
    return np.array([b for b in (1.0, 8.0, 32.0, 128.0, 512.0, 2048.0) if b < most] + [most])


def gpu(
    id: str,
    model: str,
    layout: Layout,
    *,
    phase: str = "colocated",
    anchor: fits.Anchor | None = None,
    bits: float | None = None,
    kv_bits: float = 16.0,
    most: float = 512.0,
    rise: float = 1.0,
    context: float = 2000.0,
    how: Efficiency | None = None,
    note: str = "",
    measured_on: str = "",
) -> Entry:
    """An extrapolated entry, fitted to ``anchor`` where one is given; else its rise over a batch of 1 is scaled."""
    found = LIBRARY.get(model, Model)
    devices, hardware = layout.hardware.devices, layout.hardware
    how = how or FITTED
    if phase == "prefill" and how.start_s == 0.0:
        # A prompt by itself cannot be faster than reading the weights once.
        how = replace(how, start_s=float(decode_step(found, devices, np.ones(1), 0.0, how, bits, kv_bits)[0]))
    if anchor is not None:
        most = anchor.batch if most == 512.0 else most
    weights = found.weight_gb.value if bits is None else found.parameters_b.value * bits / 8.0
    kv = found.kv_bytes_token.value * kv_bits / 16.0
    memory = devices.count * hardware.gb
    room = (ROOM * memory - weights) * 1e9 / kv
    fitted = f"; fitted to {anchor.said}" if anchor is not None else ""
    parts: dict[str, Curve | Fact] = {}
    if phase != "decode":
        parts["prefill_s"] = Curve(PROMPTS, prefill_time(found, devices, PROMPTS, how), f"{ROOFLINE}, {eta_said(how)}")
        parts["prefill_speed"] = speeds.prompts(how, FITTED, hardware.name)
    if phase != "prefill":
        at = batches(most)
        if anchor is not None:
            steps, scale = fits.anchored(found, hardware, anchor, how, bits or weights_bits(found), kv_bits, at)
            fitted += f" (rise x {scale:.2f})"
        else:
            steps = decode_step(found, devices, at, context, how, bits, kv_bits)
            steps = steps[0] + rise * (steps - steps[0])
            fitted = "" if rise == 1.0 else f"; rise x {rise:.2f} as fitted to MLPerf v5.1 on its predecessor or kin"
        parts["decode_step_s"] = Curve(at, steps, f"{ROOFLINE}, {context:.0f} tokens of context{fitted}")
        parts["decode_speed"] = speeds.steps(anchor.said if anchor else "", f"{found.title} on {hardware.name}")
    parts["kv_tokens"] = Fact(room, "0.95 of the memory less the weights, per KV byte of a token")
    parts["max_batch"] = Fact(most, anchor.said if anchor else "prior: end of the table")
    parts["memory_gb"] = Fact(memory, hardware.said, hardware.confidence)
    if bits is not None:
        parts["weight_gb"] = Fact(weights, f"{bits:g} bits a parameter, scales counted where above 4", "estimate")
    if kv_bits != 16.0:
        parts["kv_bytes_token"] = Fact(kv, f"{kv_bits:g}-bit KV cache", "estimate")
    parts["link_gb_s"] = Fact(hardware.link, f"network of {layout.label}: {hardware.said.split(':')[0]}", "estimate")
    title = f"{found.title} on {layout.label}"
    more: dict[str, Any] = {"batching": "added"} if phase == "colocated" else {}
    if note:
        more["note"] = note
    if measured_on:
        more["measured_on"] = f'"{measured_on}"'
    return Entry(id, head(model, title, [layout.rack], layout.systems, phase, layout.draw, **more), parts)


def eta_said(how: Efficiency) -> str:
    fitted = ", fitted to MLPerf v5.1 GB200 llama3.1-405b Offline"
    return f"eta_c {how.compute:.2f}" + (fitted if how.compute == FITTED.compute else " (prior)")


def weights_bits(model: Model) -> float:
    return 8.0 * model.weight_gb.value / model.parameters_b.value


def wafer(
    id: str,
    model: str,
    systems: int,
    speed: Fact,
    off: Fact | None,
    *,
    phase: str = "colocated",
    date: str,
    fast: bool,
    note: str = "",
) -> Entry:
    """Wafers in a pipeline: a table of user speeds and memory arithmetic; nothing of it is a measured aggregate."""
    found = LIBRARY.get(model, Model)
    memory = systems * hw.WAFER_GB
    room = (ROOM * memory - found.weight_gb.value) * 1e9 / found.kv_bytes_token.value
    rate = hw.WAFER.compute * systems * hw.WAFER_FLOP_S / (2e9 * found.active_parameters_b.value)
    knee = float(round(rate / speed.value))
    at = np.array([1.0, knee, 4.0 * knee])
    parts: dict[str, Curve | Fact] = {}
    if phase == "colocated":
        devices = Devices(systems, hw.WAFER_FLOP_S, 21e15)
        said = f"{ROOFLINE}: prior of 0.2 (0.1-0.4) of 15.6 PF dense a wafer; no prefill speed is published"
        parts["prefill_s"] = Curve(PROMPTS, prefill_time(found, devices, PROMPTS, hw.WAFER), said)
        parts["prefill_speed"] = speeds.WAFER_PROMPTS
    parts["decode_step_s"] = Curve(
        at,
        np.maximum(1.0 / speed.value, at / rate),
        f"max(1/v0, B/r_max): v0 {speed.said}; r_max 0.2 of 15.6 PF (prior)",
    )
    if off is not None:
        parts["decode_speed"] = off
    parts["kv_tokens"] = Fact(room, "0.95 of 44 GB a wafer less the weights, per KV byte of a token")
    parts["max_batch"] = Fact(
        4.0 * knee, "prior: four times where compute binds; the KV cache binds before", low=1, high=8 * knee
    )
    parts["memory_gb"] = Fact(memory, "44 GB of SRAM a wafer (ALCF AI testbed documentation)", "vendor")
    parts["link_gb_s"] = Fact(hw.WAFER_LINK * systems, "12 x 100 GbE a wafer, all wafers at once", "vendor")
    title = f"{found.title} on {systems} CS-3" if systems > 1 else f"{found.title} on one CS-3"
    plain = head(
        model, title, ["cs3-x1", "cs3-x2", "cs3-x3"], float(systems), phase, "cs3-llm",
        note=(note + " " if note else "") + "User speed is published, the throughput of a system is not.",
        speculative="true" if fast else "false", measured_on=f'"{date}"',
    )  # fmt: skip
    return Entry(id, plain, parts)


def image(id: str, layout: Layout, draw: str, joules: float, watts: tuple[float, float, float]) -> Entry:
    """One image at a time on one GPU; its prompt is 4,096 latent patches, no token follows.

    ``joules`` an image at ``watts``: the lowest, the one taken, the highest.
    """
    low, taken, high = watts
    seconds, said = joules / taken, f"ML.ENERGY leaderboard v3: {joules:,.0f} J an image at {low:.0f}-{high:.0f} W"
    off = Fact(1.0, f"{said}, {taken:.0f} W taken", "measured", low / taken, high / taken)
    patches = np.array([0.0, 4096.0, 16_384.0])
    parts: dict[str, Curve | Fact] = {
        "prefill_s": Curve(patches, patches * seconds / 4096.0, said),
        "prefill_speed": off,
        "kv_tokens": Fact(4096.0, "one image at a time; it has no KV cache"),
        "max_batch": Fact(1.0, "one image at a time: power and time per image are flat in the batch (ML.ENERGY v3)"),
        "memory_gb": Fact(layout.hardware.gb, layout.hardware.said, layout.hardware.confidence),
    }
    plain = head("flux-1-dev", f"FLUX.1-dev on {layout.label}", [layout.rack], layout.systems, "prefill", draw,
                 note="1024 x 1024 pixels; time grows with the pixels.")  # fmt: skip
    return Entry(id, plain, parts)


def extrapolated() -> Iterator[Entry]:
    """All entries but those of the Splitwise table."""
    yield from on_b200()
    yield from on_racks()
    yield from on_trainium()
    yield from on_wafers()
    tp4 = Layout(hw.h100(4), "hgx-h100-air", 0.5, "dgx-h100-llm", "4 x H100")
    made = gpu("llama-3.3-70b-h100x4", "llama-3.3-70b", tp4, most=512.0, how=hw.PRIOR, measured_on="2025-12",
               note="Step times through two points of ML.ENERGY, Llama 3.1 70B (200 tokens in, 352 out).")  # fmt: skip
    at = np.array([1.0, 8.0, 512.0])
    slope = (0.0739 - 0.0166) / (512.0 - 8.0)
    made.parts["decode_speed"] = speeds.form("ML.ENERGY leaderboard v3, Llama 3.1 70B on 4 x H100, two batches")
    made.parts["decode_step_s"] = Curve(
        at,
        0.0166 + slope * (at - 8.0),
        "affine through 16.6 ms at 8 and 73.9 ms at 512: ML.ENERGY leaderboard v3",
        "measured",
    )
    yield made
    one = Layout(hw.h100(1), "hgx-h100-air", 0.125, "dgx-h100-image", "one H100")
    yield image("flux-1-dev-h100", one, "dgx-h100-image", 7551.0, (650.0, 670.0, 690.0))
    yield image("flux-1-dev-b200", b200(1), "b200x8-image", 6936.0, (800.0, 870.0, 940.0))


def on_b200() -> Iterator[Entry]:
    kv8: dict[str, Any] = {"bits": 4.0, "kv_bits": 8.0, "measured_on": "2025-09"}
    yield gpu("llama2-70b-b200", "llama2-70b", b200(1), anchor=fits.SERVER_70B, context=431.0, **kv8)
    yield gpu("llama-3.3-70b-b200", "llama-3.3-70b", b200(1), anchor=fits.SERVER_70B, context=431.0, **kv8,
              note="The anchor is Llama 2 70B, of the same shape.")  # fmt: skip
    yield gpu("llama-3.1-8b-b200", "llama-3.1-8b", b200(1), anchor=fits.SERVER_8B, context=844.0, **kv8)
    yield gpu("llama-3.1-405b-b200x8", "llama-3.1-405b", b200(8), anchor=fits.SERVER_405B, context=9729.0, **kv8,
              most=480.0, note="The anchor ran on a water-cooled server with the same GPUs.")  # fmt: skip
    yield gpu("llama-3.1-405b-b200x8-water", "llama-3.1-405b", b200(8, draw="b200x8-water-llm"), most=480.0,
              anchor=fits.SERVER_405B, context=9729.0, **kv8,
              note="With the power of a water-cooled server.")  # fmt: skip
    yield gpu("gpt-oss-120b-b200", "gpt-oss-120b", b200(1, 8), anchor=fits.ENERGY_OSS, how=hw.PRIOR)
    yield gpu("gpt-oss-120b-b200-prefill", "gpt-oss-120b", b200(1, 8), phase="prefill", how=hw.PRIOR)
    yield gpu("llama-3.3-70b-b200-prefill", "llama-3.3-70b", b200(1), phase="prefill", bits=4.0)
    yield gpu("qwen3-235b-a22b-b200x8", "qwen3-235b-a22b", b200(8, 8), anchor=fits.ENERGY_QWEN, how=hw.PRIOR)


def on_racks() -> Iterator[Entry]:
    small: dict[str, Any] = {"bits": 4.5, "kv_bits": 8.0}
    dense, experts = rises()
    yield gpu("deepseek-r1-gb200", "deepseek-r1", gb200(4), anchor=fits.OFFLINE_R1_GB200, context=2750.0, **small,
              measured_on="2025-09", note="The batch of the anchor is not published: 4,096 is a prior.")  # fmt: skip
    yield gpu("deepseek-r1-gb300", "deepseek-r1", gb300(4), anchor=fits.OFFLINE_R1_GB300, context=2750.0, **small,
              measured_on="2025-09", note="The batch of the anchor is not published: 4,096 is a prior.")  # fmt: skip
    yield gpu("deepseek-r1-vr", "deepseek-r1", rubin(4), most=4096.0, context=2750.0, rise=experts, **small)
    for label, layout in (("gb200", gb200), ("gb300", gb300), ("vr", rubin)):
        fp8: dict[str, Any] = {"most": 2048.0, "kv_bits": 8.0, "how": hw.PRIOR, "rise": experts}
        yield gpu(f"llama-3.1-405b-{label}", "llama-3.1-405b", layout(4), bits=4.0, kv_bits=8.0, most=480.0,
                  context=9729.0, rise=dense)  # fmt: skip
        yield gpu(f"kimi-k2-{label}", "kimi-k2", layout(8), context=8000.0, **fp8)
        yield gpu(f"qwen3-235b-a22b-{label}", "qwen3-235b-a22b", layout(8), **fp8)
        yield gpu(f"glm-4.7-{label}", "glm-4.7", layout(8), context=8000.0, **fp8)


def on_trainium() -> Iterator[Entry]:
    for model in (
        "llama-3.1-8b",
        "llama-3.3-70b",
        "llama-3.1-405b",
        "gpt-oss-120b",
        "qwen3-235b-a22b",
        "glm-4.7",
        "kimi-k2",
    ):
        yield gpu(f"{model}-trn2-prefill", model, TRN2, phase="prefill", how=hw.TRAINIUM,
                  note="For CS-3 that decode. eta_c 0.35 is a prior (0.2-0.5): nothing is measured.")  # fmt: skip


def on_wafers() -> Iterator[Entry]:
    blog = "Cerebras blog, August 2024"
    once = speeds.published_once
    published = [
        # Artificial Analysis confirms it, "> 1,800", and nobody says how much more.
        ("llama-3.1-8b", 1, Fact(1800, f"1,800 tok/s a user ({blog})"), None, "2024-08", False, ""),
        ("llama-3.3-70b", 4, Fact(450, f"450 tok/s a user ({blog}; 446 by Artificial Analysis)"),
         speeds.published(446, 450, 450, f"450 tok/s a user by {blog}, 446 by Artificial Analysis"), "2024-08", False,
         "Llama 3.1 70B, without speculation; 2,100 tok/s were shown in October 2024."),
        ("llama-3.1-405b", 24, Fact(969, "969 tok/s a user (Tom's Hardware, November 2024)"), once("969"), "2024-11",
         False, "How many wafers were used is not known: 19-22 are estimated to hold the weights."),
        ("gpt-oss-120b", 4, Fact(2059, "2,059 tok/s a user (SemiAnalysis; vendor 3,000, Artificial Analysis 1,706)"),
         speeds.published(*speeds.OSS, "2,059 tok/s a user by SemiAnalysis, 3,000 by the vendor, 1,706 by Artificial "
                          "Analysis"), "2026-05", True, "Whether speculation was on is not stated."),
        ("qwen3-235b-a22b", 8, Fact(1400, "1,400 tok/s a user (page title, not checked)"), once("1,400"), "2025-07",
         True, ""),
        ("glm-4.7", 12, Fact(1201, "1,201 tok/s a user (tokenomics.info)"), once("1,201"), "2026-05", True,
         "How many wafers were used is not published: 12 is a prior."),
        ("kimi-k2", 20, Fact(981, "981 tok/s a user (tokenomics.info, K2.6)"), once("981"), "2026-05", True,
         "How many wafers were used is not published: about 20 by hearsay."),
    ]  # fmt: skip
    for model, systems, speed, off, date, fast, note in published:
        more: dict[str, Any] = {"date": date, "fast": fast, "note": note}
        yield wafer(f"{model}-cs3", model, systems, speed, off, **more)
        yield wafer(f"{model}-cs3-decode", model, systems, speed, off, phase="decode", **more)


def measured(prefill: Curve, step: Curve) -> Iterator[Entry]:
    """Llama 2 70B on a DGX H100, TP8, from the Splitwise table: together and one phase each."""
    model = LIBRARY.get("llama2-70b", Model)
    room = (ROOM * 640.0 - model.weight_gb.value) * 1e9 / model.kv_bytes_token.value
    for phase, end in (("colocated", ""), ("prefill", "-prefill"), ("decode", "-decode")):
        parts: dict[str, Curve | Fact] = {}
        if phase != "decode":
            parts["prefill_s"] = prefill
        if phase != "prefill":
            parts["decode_step_s"] = step
        parts["kv_tokens"] = Fact(room, "0.95 of the memory less the weights, per KV byte of a token")
        parts["max_batch"] = Fact(float(step.at[-1]), step.said.split(":")[0] + ": largest batch measured", "measured")
        parts["memory_gb"] = Fact(640.0, "NVIDIA DGX H100 data sheet: 8 x 80 GB", "vendor")
        parts["link_gb_s"] = Fact(400.0, "NVIDIA DGX H100 data sheet: 8 x 400 Gbit/s", "vendor")
        more: dict[str, Any] = {"batching": "mixed"} if phase == "colocated" else {}
        plain = head("llama2-70b", "Llama 2 70B on a DGX H100 (TP8)", ["hgx-h100-air", "dgx-h100"], 1.0, phase,
                     "dgx-h100-llm", **more, measured_on='"2023-11"')  # fmt: skip
        yield Entry(f"llama2-70b-dgx-h100{end}", plain, parts)
