"""Where the boxes of a layered picture stand: sources above, what they feed below, lines as straight as may be.

Layers are longest paths; a line that passes layers holds a narrow place in each. The order in a layer follows the mean
place of the neighbours (Sugiyama, Tagawa and Toda 1981, doi:10.1109/TSMC.1981.4308636); places then are the least
squares ones to the neighbours that keep order and distance (isotonic regression by pooling).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

BOX_W, BOX_H, GAP_X, GAP_Y, LANE = 206.0, 64.0, 18.0, 66.0, 10.0
SWEEPS = 12


@dataclass(frozen=True)
class Layout:
    """Centres of boxes, points of each line from its source to its target, size of the picture; px."""

    centre: list[tuple[float, float]]
    lines: list[list[tuple[float, float]]]
    width: float
    height: float


def layout(boxes: int, links: Sequence[tuple[int, int]]) -> Layout:
    """Place ``boxes`` that ``links`` (source, target) join; the links must be free of circles."""
    rank = _ranks(boxes, links)
    layers, chains = _layers(rank, links)
    beside: dict[int, list[int]] = {}
    for chain in chains:
        for upper, lower in pairwise(chain):
            beside.setdefault(upper, []).append(lower)
            beside.setdefault(lower, []).append(upper)
    level = {item: r for r, layer in enumerate(layers) for item in layer}
    _order(layers, level, beside)
    x = _places(layers, level, beside, boxes)
    left = min((x[i] - _width(i, boxes) / 2 for layer in layers for i in layer), default=0.0) - 4
    centre = {i: (x[i] - left, level[i] * (BOX_H + GAP_Y) + BOX_H / 2 + 4) for i in x}
    width = max((c + _width(i, boxes) / 2 for i, (c, _) in centre.items()), default=0.0) + 4
    height = len(layers) * (BOX_H + GAP_Y) - GAP_Y + 8
    return Layout([centre[i] for i in range(boxes)], _lines(chains, centre), width, height)


def _ranks(boxes: int, links: Sequence[tuple[int, int]]) -> list[int]:
    rank = [0] * boxes
    for _ in range(boxes):
        moved = False
        for source, target in links:
            if rank[target] <= rank[source]:
                rank[target], moved = rank[source] + 1, True
        if not moved:
            return rank
    raise ValueError("the links go round in a circle")


def _layers(rank: list[int], links: Sequence[tuple[int, int]]) -> tuple[list[list[int]], list[list[int]]]:
    """Items by layer and the items of each link; items from ``len(rank)`` on are the places that lines hold."""
    layers: list[list[int]] = [[] for _ in range(max(rank, default=-1) + 1)]
    for box, r in enumerate(rank):
        layers[r].append(box)
    chains: list[list[int]] = []
    fresh = len(rank)
    for source, target in links:
        chain = [source]
        for r in range(rank[source] + 1, rank[target]):
            layers[r].append(fresh)
            chain.append(fresh)
            fresh += 1
        chains.append([*chain, target])
    return layers, chains


def _order(layers: list[list[int]], level: dict[int, int], beside: dict[int, list[int]]) -> None:
    """Order each layer by the mean place of its neighbours above, then below, in turn."""
    place = {item: float(i) - len(layer) / 2 for layer in layers for i, item in enumerate(layer)}
    for sweep in range(SWEEPS):
        up = sweep % 2 == 0
        for layer in layers if up else reversed(layers):
            mean = {}
            for item in layer:
                near = [place[n] for n in beside.get(item, ()) if (level[n] < level[item]) == up]
                mean[item] = sum(near) / len(near) if near else place[item]
            layer.sort(key=mean.__getitem__)
            place |= {item: i - len(layer) / 2 for i, item in enumerate(layer)}


def _places(
    layers: list[list[int]], level: dict[int, int], beside: dict[int, list[int]], boxes: int
) -> dict[int, float]:
    """The x of every item."""
    x: dict[int, float] = {}
    steps: list[list[float]] = []
    for layer in layers:
        at = [0.0]
        for a, b in pairwise(layer):
            at.append(at[-1] + (_width(a, boxes) + _width(b, boxes)) / 2 + GAP_X)
        steps.append(at)
        x |= {item: there - at[-1] / 2 for item, there in zip(layer, at, strict=True)}
    for sweep in range(2 * SWEEPS):
        rows = list(zip(layers, steps, strict=True))
        for layer, at in rows if sweep % 2 == 0 else reversed(rows):
            wish = [_mean([x[n] for n in beside.get(i, ())], x[i]) - a for i, a in zip(layer, at, strict=True)]
            x |= {i: w + a for i, w, a in zip(layer, _rising(wish), at, strict=True)}
    return x


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _rising(values: list[float]) -> list[float]:
    """The least squares fit to ``values`` that never falls."""
    pools: list[tuple[float, int]] = []
    for value in values:
        mean, count = value, 1
        while pools and pools[-1][0] > mean:
            before, n = pools.pop()
            mean, count = (mean * count + before * n) / (count + n), count + n
        pools.append((mean, count))
    return [mean for mean, count in pools for _ in range(count)]


def _width(item: int, boxes: int) -> float:
    return BOX_W if item < boxes else LANE


def _lines(chains: list[list[int]], centre: dict[int, tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """Points of each line; where several meet at a box, they spread along its edge in the order of their far ends."""
    leave: dict[int, list[int]] = {}
    enter: dict[int, list[int]] = {}
    for i, chain in enumerate(chains):
        leave.setdefault(chain[0], []).append(i)
        enter.setdefault(chain[-1], []).append(i)
    port: dict[tuple[int, bool], float] = {}
    for ends, entering, near in ((leave, False, 1), (enter, True, -2)):
        for box, lines in ends.items():
            beside = {i: centre[chains[i][near]][0] for i in lines}
            lines.sort(key=beside.__getitem__)
            step = min(30.0, (BOX_W - 30.0) / len(lines))
            for k, i in enumerate(lines):
                port[i, entering] = centre[box][0] + (k - (len(lines) - 1) / 2) * step
    made = []
    for i, chain in enumerate(chains):
        points = [(port[i, False], centre[chain[0]][1] + BOX_H / 2)]
        for item in chain[1:-1]:
            points += [(centre[item][0], centre[item][1] - BOX_H / 2), (centre[item][0], centre[item][1] + BOX_H / 2)]
        made.append([*points, (port[i, True], centre[chain[-1]][1] - BOX_H / 2)])
    return made


__all__ = ["BOX_H", "BOX_W", "Layout", "layout"]
