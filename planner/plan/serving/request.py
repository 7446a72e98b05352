"""Engines and precisions on the hardware of a question, and the question in the terms of the search."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.catalog.kinds import SERVING_CALIBRATION
from planner.errors import InputError
from planner.plan import numbers
from planner.search.serving import Can, Option, ServingPart, ServingRequest, Target, Variation
from planner.tables.engine import (
    KV_BYTES,
    Speculated,
    deployment_table,
    engine_constants,
    engine_table,
    host_speed,
)
from planner.tables.operators import operators_of, operators_table
from planner.tables.serving import Load
from planner.workload.engine_names import engine_id, usual_engine
from planner.workload.formats import GROUPS, WeightFormat, peaks, weight_format
from planner.workload.kinds import ENGINE, SPECULATION

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.catalog.schema.accelerator import Accelerator
    from planner.catalog.schema.operators import OperatorRates
    from planner.catalog.schema.serving_calibration import ServingCalibration
    from planner.plan.defaults import Filled
    from planner.plan.places import Place
    from planner.plan.serving.job import ServeJob
    from planner.workload.engine import EngineProfile
    from planner.workload.speculation import Speculation

__all__ = ["ServeCase", "Stack", "case_on"]

CALIBRATED: Final = "serving"
LONGEST: Final = 0.99
"""Share of the requests, by length, that a replica must be able to hold."""
OFFLINE_LOAD: Final = 1.0
ONLINE_LOAD: Final = 0.95
"""Share of the largest stable rate up to which a replica is loaded: the rest keeps queues from exploding."""
ROUTED: Final = 16
"""Replicas that a router fills as one where requests may go to any of them."""
PRECISIONS: Final = tuple(KV_BYTES)


@dataclass(frozen=True, kw_only=True)
class Stack:
    """An engine with its precisions on one place: what an option of the search stands for."""

    place: Place
    operators: OperatorRates
    engine: EngineProfile
    weights: WeightFormat
    """As the part runs it."""
    kv: str
    speculation: Speculation | None = None
    drafts: int = 0
    accepted: float = 1.0
    """Tokens per step."""
    weight_only: bool = False
    """The part lacks the arithmetic of the format and computes in 16 bit."""
    lacks: str = ""

    @property
    def shared(self) -> bool:
        """Whether no kernel of serving was measured on this part."""
        return self.operators.id == "shared"


@dataclass(frozen=True, kw_only=True)
class ServeCase:
    """A job with the hardware and the stacks that may serve it; `stacks` are the options of the search."""

    job: ServeJob
    calibration: ServingCalibration
    places: tuple[Place, ...]
    parts: tuple[ServingPart, ...]
    stacks: tuple[Stack, ...]
    options: tuple[Option, ...]

    def request(
        self,
        *,
        hit: float,
        rate: float | None,
        goal: str,
        gpus: Sequence[float] | None = None,
        reload_s: float = 0.0,
    ) -> ServingRequest:
        """Put the question to the search.

        Parameters
        ----------
        hit
            Share of the input tokens found in a prefix cache.
        rate
            Requests per second; None asks for the capacity.
        gpus
            Accelerators of each part, where they are not those available.
        reload_s
            Of the time to the first token, what bringing a prefix back takes at the percentile of its target.
        """
        job = self.job
        parts = self.parts
        if gpus is not None:
            parts = tuple(
                ServingPart(p.name, p.operators, p.memory_bytes, n, p.fabric_share)
                for p, n in zip(parts, gpus, strict=True)
            )
        traffic = job.traffic
        context = job.record.context.value if job.record.context is not None else math.inf
        longest = traffic.input_spread.quantile(LONGEST) + traffic.output_spread.quantile(LONGEST)
        return ServingRequest(
            model=job.model,
            load=Load(
                isl=np.array([traffic.isl]),
                osl=np.array([traffic.osl]),
                cached=np.array([traffic.isl * hit]),
                shared=np.zeros(1),
                new_variation=np.array([traffic.input_spread.cv**2]),
                osl_variation=np.array([traffic.output_spread.cv**2]),
            ),
            parts=parts,
            options=self.options,
            variation=Variation(traffic.input_spread.cv, traffic.output_spread.cv, traffic.arrival_cv),
            ttft=_without(job.targets["ttft"], reload_s),
            tpot=job.targets["tpot"],
            e2e=job.targets["e2e"],
            rate=rate,
            goal=goal,
            modes=job.modes,
            pins=dict(job.pins),
            most_tokens=context,
            longest=max(min(longest, context), traffic.isl + traffic.osl),
            # Sessions stay with the replica that has their keys and values; other requests can go to any.
            routed=1 if hit > 0 else ROUTED,
            most_load=OFFLINE_LOAD if job.offline else ONLINE_LOAD,
            top=max(job.top + 1, 2),
        )


def _without(target: Target, seconds: float) -> Target:
    """Leave less time to a target; next to none where nothing is left."""
    if not target.is_set or not seconds:
        return target
    return Target(max(target.seconds - seconds, 1e-3 * target.seconds), target.percentile)


def case_on(catalog: Catalog, job: ServeJob, places: Sequence[Place], filled: Filled) -> ServeCase:
    """Choose the stack of every place, and build what the search takes.

    Raises
    ------
    InputError
        Unknown engine, precision or speculation.
    """
    calibration = catalog.get(SERVING_CALIBRATION, CALIBRATED)
    stacks = [_stack(catalog, job, place, filled) for place in places]
    parts = []
    for stack, gpus in zip(stacks, _available(job, places), strict=True):
        place = stack.place
        table = operators_table(
            place.accelerator,
            stack.operators,
            domain=place.domain,
            node=place.node,
            nic_bytes_per_s=place.nic_bytes_per_s,
        )
        capacity = place.accelerator.memory.capacity.value
        parts.append(ServingPart(place.short, table, capacity, float(gpus)))
    return ServeCase(
        job=job,
        calibration=calibration,
        places=tuple(places),
        parts=tuple(parts),
        stacks=tuple(stacks),
        options=tuple(
            _option(i, stack, calibration, float(job.model.layers[0])) for i, stack in enumerate(stacks)
        ),
    )


def _available(job: ServeJob, places: Sequence[Place]) -> list[int]:
    """Accelerators of each place; of a cluster that is not used whole, the first groups come first."""
    left = job.gpus if job.gpus is not None else sum(place.available for place in places)
    found = []
    for place in places:
        found.append(min(place.available, left))
        left -= found[-1]
    return found


def _stack(catalog: Catalog, job: ServeJob, place: Place, filled: Filled) -> Stack:
    part, wanted = place.accelerator, job.wanted
    available = peaks(part.flops)
    if wanted.engine is None:
        engine = usual_engine(catalog, part.vendor)
        filled.assume("engine", engine.id, f"the usual one on parts of {part.vendor} ({engine.date})")
    else:
        engine = catalog.get(ENGINE, engine_id(catalog, wanted.engine))
    stored = weight_format(catalog, job.record, wanted.weights)
    run = _scaled(stored.on(available), engine)
    if wanted.weights is None:
        kept = "the published checkpoint" if job.record.checkpoint else "no checkpoint format is on record"
        filled.assume("weights", stored.id, f"{kept}; --weights names another")
    weight_only = stored.native not in available
    if weight_only:
        filled.notes.append(
            f"{part.name} has no {stored.native} arithmetic: weights stay in {stored.id}, products are in 16 "
            "bit."
        )
    if job.traffic.hit and not engine.features.prefix_caching:
        filled.notes.append(f"{engine.name} keeps no prefixes: every input token is computed.")
    kv = _kv(job, engine, stored, part, filled)
    speculation, drafts, lacks = _speculated(catalog, job, engine)
    accepted = speculation.tokens_per_step(drafts).value if speculation is not None else 1.0
    if not engine.runs_on(part.vendor):
        lacks = f"{engine.name} does not run on parts of {part.vendor}"
    return Stack(
        place=place,
        operators=operators_of(catalog, part),
        engine=engine,
        weights=run,
        kv=kv,
        speculation=speculation,
        drafts=drafts,
        accepted=accepted,
        weight_only=weight_only,
        lacks=lacks,
    )


def _scaled(weights: WeightFormat, engine: EngineProfile) -> WeightFormat:
    """Scales known in advance are found at run time by an engine that does not use them."""
    if engine.static_scales:
        return weights
    changed = {
        group: matrices.model_copy(update={"operator": "fp8"})
        for group in GROUPS
        for matrices in [getattr(weights, group)]
        if matrices.operator == "fp8-static"
    }
    return weights.model_copy(update=changed)


def _kv(
    job: ServeJob, engine: EngineProfile, weights: WeightFormat, part: Accelerator, filled: Filled
) -> str:
    if job.wanted.kv is not None:
        return numbers.choice("kv", job.wanted.kv, PRECISIONS)
    attention = "mla" if bool(job.model.mla[0]) else "gqa"
    kv = engine.kv_precision(weights=weights.id, attention=attention, available=peaks(part.flops))
    filled.assume(
        "kv",
        kv,
        f"what {engine.id} keeps keys and values in by default here; no other choice moves throughput as "
        "much: say yours with --kv",
    )
    return kv


def _speculated(
    catalog: Catalog, job: ServeJob, engine: EngineProfile
) -> tuple[Speculation | None, int, str]:
    """Return the drafter that was asked for, its drafts per step, and why it cannot be had."""
    named = job.wanted.speculation
    if named is None or named.strip().lower() == "none":
        if job.wanted.drafts is not None:
            raise InputError("--drafts needs --speculation; name one of planner catalog list speculation")
        return None, 0, ""
    record = catalog.get(SPECULATION, named)
    drafts = record.drafts if job.wanted.drafts is None else job.wanted.drafts
    record.tokens_per_step(drafts)
    if record.method not in engine.features.speculation:
        return record, drafts, f"{engine.name} does not speculate with {record.name}"
    if record.method == "mtp" and not job.record.architecture.mtp:
        return record, drafts, f"{job.record.name} has no multi-token-prediction modules"
    return record, drafts, ""


def _option(index: int, stack: Stack, calibration: ServingCalibration, layers: float) -> Option:
    engine, part = stack.engine, stack.place.accelerator
    features = engine.features
    constants = engine_constants(calibration, engine.family)
    return Option(
        part=index,
        engine=engine_table(engine, constants, arm_host=part.host.cpu == "arm", host_speed=host_speed(part)),
        layout=deployment_table(
            stack.weights,
            kv=stack.kv,
            tp=1.0,
            eight_bit_attention=engine.eight_bit_attention and part.flops.fp8 is not None,
            speculated=_cost(stack, layers),
        ),
        can=Can(
            pipeline=features.pipeline_parallel,
            attention_data=features.attention_data_parallel,
            experts=features.expert_parallel,
            disaggregation=features.disaggregation,
            two_batches=engine.overlaps_two_batches,
        ),
        chunks=tuple(chunk.value for chunk in engine.chunk_options),
        name=f"{engine.id}, {stack.weights.id} weights, {stack.kv} cache",
        lacks=stack.lacks,
    )


def _cost(stack: Stack, layers: float) -> Speculated | None:
    """Count the layers of the model that a draft takes as long as."""
    if stack.speculation is None or not stack.drafts:
        return None
    draft = stack.speculation.draft
    share = draft.share.value if draft.share is not None else 0.0
    run = {"none": 0.0, "module": 1.0, "model": share * layers}[draft.cost]
    return Speculated(float(stack.drafts), stack.accepted, run)
