"""How far the tables of the shipped serving configurations may be off: ``prefill_speed`` and ``decode_speed``.

A speed is 1 with a band that samples draw uniformly. Figures with the same words are drawn together, so the words name
what the error belongs to: an anchor, a chip, a model on a chip. Three kinds:

* priors of the efficiencies: the ends of the prior over its value, since compute-bound times go as 1/eta;
* published more than once: lowest and highest over the one taken;
* the form of the step times where a throughput was measured: mean error e = 8.4 % of tokens/s over ML.ENERGY v3
  (tau = a + b B). A uniform band of 1 +- 2 e has that mean error, and P10-P90 of a normal one that has it.

The roofline's own prior, eta up to 1.6 times less or more, is off by 26 % in the mean; over the dense models on B200
the form is off by 29 %.
Source: facts of this project, 1.2 and 6.2; ``twin.inference.roofline``.
"""

from __future__ import annotations

from tests.inference.serving_entry import Fact
from twin.inference.roofline import Efficiency

FORM_ERROR = 0.084
UNMEASURED = 1.6
# Lowest, taken and highest of what is published of gpt-oss-120b, tokens/s of a user.
OSS = (1706.0, 2059.0, 3000.0)
WAFER_PROMPTS = Fact(
    1.0, "prior of 0.2 (0.1-0.4) of 15.6 PF dense a wafer; no prefill speed is published", "estimate", 0.5, 2.0
)
TRAINIUM_PROMPTS = Fact(
    1.0, "prior of eta_c 0.35 (0.2-0.5) on Trainium2: nothing is measured", "estimate", 0.2 / 0.35, 0.5 / 0.35
)


def prompts(how: Efficiency, fitted: Efficiency, chip: str) -> Fact:
    """Prompts by the roofline: the ends of the prior of eta_c, one unknown for each chip."""
    if chip == "Trainium2":
        return TRAINIUM_PROMPTS
    slow, fast = how.ends()
    about = ", about what was fitted to llama3.1-405b Offline on GB200" if how.compute == fitted.compute else ""
    said = f"prior: eta_c {how.compute:.2f} ({slow.compute:.2f}-{fast.compute:.2f}) on {chip}{about}"
    return Fact(1.0, said, "estimate", slow.compute / how.compute, fast.compute / how.compute)


def steps(anchor: str, what: str) -> Fact:
    """Step times by the roofline, fitted to ``anchor`` where there is one."""
    return form(anchor) if anchor else unmeasured(what)


def form(anchor: str) -> Fact:
    """Step times of which a throughput is measured: the error of their form at other batches."""
    said = f"{anchor}; tau = a + b B is off by 8.4 % of tokens/s in the mean (ML.ENERGY v3), which +-16.8 % has"
    return Fact(1.0, said, "estimate", 1.0 - 2.0 * FORM_ERROR, 1.0 + 2.0 * FORM_ERROR)


def unmeasured(what: str) -> Fact:
    """Step times by the roofline with the rise of a predecessor or kin."""
    said = f"prior: {what} is not measured; efficiencies of the roofline, up to 1.6 times less or more"
    return Fact(1.0, said, "estimate", 1.0 / UNMEASURED, UNMEASURED)


def published(low: float, taken: float, high: float, said: str) -> Fact:
    """A user speed that was published more than once."""
    return Fact(1.0, said, "reported", low / taken, high / taken)


def published_once(speed: str) -> Fact:
    """A user speed that was published once: off as far as what three published of one other model."""
    low, taken, high = OSS
    said = f"prior: {speed} tok/s a user, published once; as far off as what three published of gpt-oss-120b"
    return Fact(1.0, said, "estimate", low / taken, high / taken)
