"""Check: the inference load of a site. Ids, halls, layouts, memory, promises: all that can be told before a run."""

from __future__ import annotations

from collections.abc import Iterator

from twin.core.errors import did_you_mean
from twin.core.units import KW
from twin.inference.draw import Draw
from twin.inference.memory import too_small
from twin.inference.model import Model
from twin.inference.serving import Serving
from twin.inference.tables import pool_tables
from twin.inference.workload import Workload
from twin.racks.rack import Rack
from twin.site.document import Path
from twin.site.inference_model import Inference, Service, Systems
from twin.site.lower_fleet import members
from twin.site.model import Hall
from twin.site.rated import rack_counts, rated_rack
from twin.site.references import is_file, written_in
from twin.site.scope import Scope
from twin.site.serving_site import idle_tpot, idle_ttft, parts
from twin.site.shipped import shipped

ROOT: Path = ("inference",)
SIDES = ("serve", "prefill", "decode")
# Tables of draws are interpolated and rounded.
OVER_RATED = 1.01
FLAT = "flat"


def check_inference(scope: Scope) -> None:
    """Note every error and warning of the section ``inference``, if there is one."""
    spec = scope.site.inference
    if spec is None:
        return
    classes = _demand(scope, spec)
    sound = True
    taken: dict[tuple[str, str], str] = {}
    for id, service in spec.services.items():
        found = [_systems(scope, id, side, systems, taken) for side, systems in _sides(service)]
        sound = all(found) and sound
        _mix(scope, id, service, spec)
    _served(scope)
    if sound and scope.whole:
        _layouts(scope, spec, classes)
        if scope.whole:
            _promises(scope, spec, classes)


def _sides(service: Service) -> Iterator[tuple[str, Systems]]:
    for side in SIDES:
        systems = getattr(service, side)
        if systems is not None:
            yield side, systems


def _demand(scope: Scope, spec: Inference) -> dict[str, Workload]:
    """The workloads of the classes that are right; shapes and recordings are there."""
    shapes = [FLAT, *shipped(".csv", "demand")]
    classes: dict[str, Workload] = {}
    for id, demand in spec.demand.items():
        path = (*ROOT, "demand", id)
        workload = scope.entry((*path, "workload"), demand.workload, Workload)
        if workload is not None:
            classes[id] = workload
            if demand.bursts and workload.fano.value < 1.0:
                text = f"bursts need a Fano factor of 1 or more, {demand.workload} has {workload.fano.value:g}"
                scope.error((*path, "bursts"), text)
        here = (*path, "shape")
        known = demand.shape in shapes or scope.left_out(here)
        if not known and not is_file(written_in(scope, here) / demand.shape):
            hint = did_you_mean(demand.shape, shapes) or f" ({', '.join(shapes)})"
            scope.error(here, f'"{demand.shape}" is neither a shipped shape nor a file{hint}')
        here = (*path, "trace")
        if demand.trace is not None and not is_file(written_in(scope, here) / demand.trace):
            mark = scope.document.marks.get(here)
            scope.error(here, f'there is no file "{demand.trace}" beside {mark.file if mark else "the site"}')
    return classes


def _systems(scope: Scope, id: str, side: str, systems: Systems, taken: dict[tuple[str, str], str]) -> bool:
    """Check a pool: its entries, its halls, that its racks are its own. False where something is wrong."""
    path = (*ROOT, "services", id, side)
    before = len(scope.problems)
    serving = scope.entry((*path, "serving"), systems.serving, Serving)
    if serving is not None:
        _entries(scope, systems.serving, serving)
    templates = scope.ids(("templates",), scope.site.templates)
    for index, name in enumerate(systems.templates):
        here = (*path, "templates", index)
        if not scope.reference(here, name, templates, "template") or name not in scope.site.templates:
            continue
        halls = [(h, hall) for h, hall in _halls(scope).items() if scope.template_of(hall) == name]
        if not halls and not scope.left_out(("buildings",)):
            scope.error(here, f'no hall is of the template "{name}"')
        for label, hall in halls:
            _claim(scope, here, (f"{id}/{side}", systems.serving), serving, label, hall, taken)
    for index, name in enumerate(systems.halls):
        here = (*path, "halls", index)
        if scope.reference(here, name, _hall_names(scope), "hall") and name in _halls(scope):
            _claim(scope, here, (f"{id}/{side}", systems.serving), serving, name, _halls(scope)[name], taken)
    return serving is not None and len(scope.problems) == before


def _entries(scope: Scope, id: str, serving: Serving) -> None:
    """What a configuration names: its faults stand in its own file, once."""
    document = scope.library.entry(id).document
    for key, named, kind in (("model", serving.model, Model), ("draw", serving.draw, Draw)):
        _, fault = scope.look_up(named, kind)
        problem = document.problem((key,), fault)
        if fault and problem not in scope.problems:
            scope.problems.append(problem)


def _halls(scope: Scope) -> dict[str, Hall]:
    return {f"{b}/{h}": hall for b, building in scope.site.buildings.items() for h, hall in building.halls.items()}


def _hall_names(scope: Scope) -> list[str]:
    """Halls as building/hall, those that are faulty themselves as well."""
    return [
        f"{b}/{h}"
        for b in scope.ids(("buildings",), scope.site.buildings)
        for h in scope.ids(
            ("buildings", b, "halls"), scope.site.buildings[b].halls if b in scope.site.buildings else {}
        )
    ]


def _claim(
    scope: Scope, path: Path, owner: tuple[str, str], serving: Serving | None, name: str, hall: Hall,
    taken: dict[tuple[str, str], str],
) -> None:  # fmt: skip
    """Give a hall's racks to a pool; an error where it has none that fit, or another pool has them already."""
    template = scope.template_of(hall)
    if serving is None or not template:
        return
    racks = list(rack_counts(scope.site.templates[template]))
    fitting = [rack for rack in racks if rack in serving.racks]
    if not fitting:
        has, runs = ", ".join(racks), ", ".join(serving.racks)
        scope.error(path, f'hall {name} has the racks {has}; "{owner[1]}" runs on {runs}')
    for rack in fitting:
        other = taken.setdefault((name, rack), owner[0])
        if other != owner[0]:
            scope.error(path, f"the racks {rack} of hall {name} serve {other} already")


def _mix(scope: Scope, id: str, service: Service, spec: Inference) -> None:
    known = scope.ids((*ROOT, "demand"), spec.demand)
    for name in service.mix:
        if name not in known:
            listed = did_you_mean(name, known) or f" ({', '.join(known)})"
            text = f'no demand is called "{name}"{listed}'
            scope.error((*ROOT, "services", id, "mix", name), text, key=True)


def _served(scope: Scope) -> None:
    """Every class has a service that is meant for it, faulty services included."""
    path = (*ROOT, "services")
    written = scope.document.at(path)
    mixes = [s.get("mix") for s in written.values() if isinstance(s, dict)] if isinstance(written, dict) else []
    meant = {name for mix in mixes if isinstance(mix, dict) for name in mix}
    spec = scope.site.inference
    assert spec is not None
    for id in spec.demand:
        if id not in meant:
            text = f'nobody serves the class "{id}": name it in the mix of a service'
            scope.error((*ROOT, "demand", id), text, key=True)


def _layouts(scope: Scope, spec: Inference, classes: dict[str, Workload]) -> None:
    """Phases, memory, replicas and power of every pool. All entries are known to be right."""
    for id, service in spec.services.items():
        first, second = parts(scope.site, scope.library, service)
        models = {side: scope.library.get(s.serving, Serving).model for side, s in _sides(service)}
        if len(set(models.values())) > 1:
            text = f"prefill serves {models['prefill']}, decode serves {models['decode']}: expected one model"
            scope.error((*ROOT, "services", id, "decode", "serving"), text)
        for (side, systems), part in zip(_sides(service), (first, second), strict=False):
            path = (*ROOT, "services", id, side)
            named, serving = systems.serving, part.serving
            picture = part.model.kv_bytes_token.value == 0.0
            phases = {"serve": ["colocated", *(["prefill"] if picture else [])]}.get(side, [side])
            if serving.phase not in phases:
                wanted = f'"{side}" expects a configuration of phase {" or ".join(phases)}'
                scope.error((*path, "serving"), f'"{named}" is of phase {serving.phase}; {wanted}')
            short = too_small(named, part.model, serving)
            if short is not None:
                scope.error((*path, "serving"), f"the model does not fit: {short}")
            if part.replicas < 1.0 - 1e-9:
                text = f"its halls hold {part.systems:g} systems, a replica takes {serving.systems_per_replica:g}"
                scope.error(path, text, key=True)
            _rated(scope, path, systems, serving)
        if first is second and first.serving.decode_step_s is None:
            _at_once(scope, id, service, classes)


def _at_once(scope: Scope, id: str, service: Service, classes: dict[str, Workload]) -> None:
    """What only computes prompts answers classes of one output token (a picture)."""
    for name in service.mix:
        tokens = classes[name].output_tokens.mean()
        if tokens > 1.0:
            text = f'the service makes no tokens, "{name}" asks for {tokens:.0f} a request'
            scope.error((*ROOT, "services", id, "mix", name), text, key=True)


def _rated(scope: Scope, path: Path, systems: Systems, serving: Serving) -> None:
    """Warn of a draw above what its racks are rated for."""
    draw = scope.library.get(serving.draw, Draw)
    assert isinstance(draw, Draw)
    most = max(draw.prefill_w() if serving.prefill_s else 0.0, float(pool_tables(serving, draw)["draw"].max()))
    templates = {hall.template for _, hall in members(scope.site, systems)}
    present = {id for name in templates for id in rack_counts(scope.site.templates[name])}
    for id in serving.racks:
        if id not in present:
            continue
        rack = scope.library.get(id, Rack)
        rated = KW * rated_rack(rack, scope.library).it_kw / rack.systems
        if most > OVER_RATED * rated:
            text = f"{serving.draw} draws up to {most / KW:.2f} kW a system, {id} is rated {rated / KW:.2f} kW"
            scope.warn((*path, "serving"), text)


def _promises(scope: Scope, spec: Inference, classes: dict[str, Workload]) -> None:
    """Promises that nobody who is meant for a class can keep, even idle; a warning where only some cannot."""
    for name, workload in classes.items():
        best: dict[str, tuple[float, float]] = {}
        for id, service in spec.services.items():
            if name in service.mix:
                first, second = parts(scope.site, scope.library, service)
                ttft = idle_ttft(first.serving, second.serving, second.model, workload)
                best[id] = ttft, idle_tpot(second.serving)
        share = f"{100 * workload.slo_percentile:g} %"
        for which, word, promised in (
            (0, "first token", workload.ttft_slo_s.value),
            (1, "token after token", workload.tpot_slo_s.value),
        ):
            late = {id: times[which] for id, times in best.items() if times[which] > promised}
            words = f"{share} of its requests are promised the {word} within {promised:g} s"
            if late and len(late) == len(best):
                id = min(late, key=lambda id: late[id])
                text = f"{words}; the best possible, with nobody else served, is {late[id]:.3g} s ({id})"
                scope.error((*ROOT, "demand", name, "workload"), text)
            for id in late if len(late) < len(best) else ():
                text = f"{words}; the best possible here, with nobody else served, is {late[id]:.3g} s"
                scope.warn((*ROOT, "services", id, "mix", name), text, key=True)


__all__ = ["FLAT", "check_inference"]
