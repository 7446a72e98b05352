"""One policy for what a measurement leaves out: candidate settings, of which the fastest that fits is taken.

Unknown settings of a published run are filled as its authors would have chosen them:

* micro-batch: 1, 2, 4, 8 or 16 sequences; interleaving: chunk counts that divide the layers (or the layers and the two
  ends), where the stack can interleave;
* recompute: none, selective, a part or all of the layers in full, or activations offloaded to host memory;
* micro-batches in flight: as the schedule has it, or one per stage where the stack can limit them;
* sharding ZeRO-1; sequence parallelism and expert-tensor parallelism as the stack's default;
* no layout at all: fully sharded data parallelism over all accelerators;
* network: the accelerator's usual NIC, without oversubscription; hosts of 8, or as stated.

Among the candidates the fastest is taken whose predicted peak memory is at most `CAPACITY_SHARE` of the device: the
run is known to have run, and the memory model has an error of its own. Rows that nothing can fill are skipped with a
reason from `SKIPS`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from planner.catalog.kinds import ACCELERATOR, KERNELS
from planner.catalog.load import Catalog
from planner.catalog.quantity import Quantity
from planner.errors import UnknownNameError
from planner.evidence.runs import Run
from planner.tables import PRECISION_CLASS, SHARDINGS, Hardware, Model, Strategy, hardware_table, model_table, stack
from planner.tables.arrays import RECOMPUTES
from planner.workload.architecture import Architecture
from planner.workload.kinds import MODEL, SOFTWARE
from planner.workload.software import SoftwareProfile

__all__ = ["CAPACITY_SHARE", "SKIPS", "Cases", "build_cases"]

CAPACITY_SHARE = 1.02

SKIPS = {
    "model": "architecture unknown: not in the catalog, in --models or published",
    "accelerator": "accelerator unknown to the catalog",
    "oom": "ran out of memory: checks the memory model, has no step time",
    "precision": "precision of the matrix products unknown",
    "target": "no step time and nothing to derive it from",
    "batch": "sequence length or global batch unknown",
    "format": "the accelerator has no rate for this precision",
    "layout": "the layout does not multiply to the accelerators",
}

MICRO_BATCHES = (1.0, 2.0, 4.0, 8.0, 16.0)
MOST_CHUNKS = 12
RECOMPUTE_SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)
OFFLOADS = (0.0, 0.5, 1.0)
LARGEST_NODE = 8

OVERLAPPED_EXPERTS = 0.35
"""Exposed share of expert dispatch where a row says that it overlaps (DualPipe and 1F1B all-to-all overlap)."""

OFFLOADED_PROJECTIONS = 0.2
"""Share of a layer's activations in its query, key and value projections: 6 of about 34 bytes per element."""


@dataclass(frozen=True)
class Cases:
    """Candidate rows of many runs: arrays of ``R`` candidates, of which several belong to one run."""

    runs: list[Run]
    run: np.ndarray  # [R] index into runs
    hardware: Hardware
    model: Model
    strategy: Strategy
    profiles: list[tuple[SoftwareProfile, int]]  # distinct (profile, release year of the part)
    profile: np.ndarray  # [R] index into profiles
    skipped: dict[str, str]  # run id to reason
    notes: dict[str, list[str]]  # run id to what was filled

    def take(self, index: np.ndarray) -> Cases:
        """Candidates at `index`."""
        return Cases(
            self.runs,
            self.run[index],
            self.hardware.take(index),
            self.model.take(index),
            self.strategy.take(index),
            self.profiles,
            self.profile[index],
            self.skipped,
            self.notes,
        )

    @property
    def measured_s(self) -> np.ndarray:
        """Measured step time per candidate; nan where there is none."""
        return np.array([self.runs[i].step_time_s or np.nan for i in self.run])


def build_cases(
    runs: list[Run], catalog: Catalog, *, models: dict[str, Architecture] | None = None, need_time: bool = True
) -> Cases:
    """Candidates for every run that can be predicted, and the reason for every one that cannot.

    Parameters
    ----------
    models
        Architectures by name that take precedence over the catalog (``--models``).
    need_time
        False keeps rows without a step time, for checks of memory.
    """
    builder = _Builder(catalog, models or {})
    index, hardware, model, strategy, profile = [], [], [], [], []
    skipped: dict[str, str] = {}
    notes: dict[str, list[str]] = {}
    for i, run in enumerate(runs):
        why = builder.reason(run, need_time=need_time)
        if why is not None:
            skipped[run.id] = SKIPS[why]
            continue
        row_notes: list[str] = []
        h, m, p = builder.hardware(run), builder.model(run), builder.profile(run, row_notes)
        for s in builder.strategies(run, m, builder.profiles[p][0], row_notes):
            index.append(i)
            hardware.append(h)
            model.append(m)
            strategy.append(s)
            profile.append(p)
        notes[run.id] = row_notes
    if not index:
        empty = np.zeros(0, dtype=int)
        nothing = [hardware_table(catalog.get(ACCELERATOR, "h100-sxm"), catalog.get(KERNELS, "shared"))]
        return Cases(runs, empty, nothing[0].take(empty), _no_rows(Model), _no_rows(Strategy), [], empty, skipped, notes)
    return Cases(
        runs, np.array(index), stack(hardware), stack(model), stack(strategy), builder.profiles, np.array(profile), skipped, notes
    )


def _no_rows(table: type) -> object:
    return table(**{name: np.zeros(0) for name in table.__dataclass_fields__})


class _Builder:
    """Reads each record once while rows are built."""

    def __init__(self, catalog: Catalog, models: dict[str, Architecture]) -> None:
        self.catalog = catalog
        self.models = models
        self.profiles: list[tuple[SoftwareProfile, int]] = []
        self._profile_at: dict[tuple[str, int, tuple[str, ...]], int] = {}
        self._hardware: dict[tuple[object, ...], Hardware] = {}
        self._model: dict[str, Model | None] = {}

    def model(self, run: Run) -> Model | None:
        name = run.text["model"]
        if name not in self._model:
            architecture = self.models.get(name)
            if architecture is None:
                try:
                    architecture = self.catalog.get(MODEL, name).architecture
                except UnknownNameError:
                    architecture = None
            self._model[name] = model_table(architecture) if architecture is not None else None
        return self._model[name]

    def reason(self, run: Run, *, need_time: bool) -> str | None:
        """Key of `SKIPS`, or None where the run can be predicted."""
        n = run.number
        if self.model(run) is None:
            return "model"
        if not self._known(run.text["accelerator"]):
            return "accelerator"
        if run.out_of_memory and need_time:
            return "oom"
        if run.text["precision"] not in PRECISION_CLASS:
            return "precision"
        if need_time and run.step_time_s is None:
            return "target"
        if n["seq_len"] is None or n["global_batch_seqs"] is None or n["n_gpus"] is None:
            return "batch"
        if self.hardware(run).peak_flop_per_s[0, PRECISION_CLASS[run.text["precision"]]] <= 0:
            return "format"
        size = (n["tp"] or 1) * (n["pp"] or 1) * (n["cp"] or 1)
        if n["n_gpus"] % size or size > n["n_gpus"]:
            return "layout"
        return None

    def hardware(self, run: Run) -> Hardware:
        n = run.number
        key = (run.text["accelerator"], n["gpus_per_node"], n["scale_out_gbps_per_gpu"])
        if key not in self._hardware:
            part = self.catalog.get(ACCELERATOR, run.text["accelerator"])
            kernels = part.kernels or part.id
            if self.catalog.find(KERNELS, kernels) is None:
                kernels = "shared"
            node = int(n["gpus_per_node"] or min(part.scale_up.domain, LARGEST_NODE))
            # A torus or a rack-scale domain does not shrink with the host; a switched node does.
            domain = min(part.scale_up.domain, node) if part.scale_up.domain <= LARGEST_NODE else part.scale_up.domain
            nic = n["scale_out_gbps_per_gpu"]
            self._hardware[key] = hardware_table(
                part,
                self.catalog.get(KERNELS, kernels),
                domain=domain,
                node=node,
                nic_bytes_per_s=nic * 1e9 / 8.0 if nic else None,
            )
        return self._hardware[key]

    def profile(self, run: Run, notes: list[str]) -> int:
        name = run.flags.get("framework") or run.text["software"]
        name = {"paxml": "pax", "composer/FSDP": "llm-foundry-fsdp"}.get(name, name)
        found = self._software(name) if name else None
        if found is None:
            notes.append(f"software {name or 'unknown'!s} has no profile: newest taken")
            found = self.catalog.get(SOFTWARE, "newest").id
        released = self.catalog.get(ACCELERATOR, run.text["accelerator"]).released
        stated = stated_facts(run.flags)
        key = (found, released, tuple(sorted(stated)))
        if key not in self._profile_at:
            self._profile_at[key] = len(self.profiles)
            self.profiles.append((with_facts(self.catalog.get(SOFTWARE, found), stated), released))
        return self._profile_at[key]

    def _known(self, accelerator: str) -> bool:
        try:
            self.catalog.resolve(ACCELERATOR, accelerator)
        except UnknownNameError:
            return False
        return True

    def _software(self, name: str) -> str | None:
        try:
            return self.catalog.resolve(SOFTWARE, name)
        except UnknownNameError:
            return None

    def strategies(
        self, run: Run, model: Model, profile: SoftwareProfile, notes: list[str]
    ) -> Iterator[Strategy]:
        n, c = run.number, run.choice
        gpus, batch = n["n_gpus"] or 1.0, n["global_batch_seqs"] or 1.0
        tp, pp, cp = n["tp"] or 1.0, n["pp"] or 1.0, n["cp"] or 1.0
        dp = gpus / (tp * pp * cp)
        ep = n["ep"] or 1.0
        etp = n["etp"] or _expert_tensor(model, profile, tp=tp, ep=ep, ranks=tp * cp * dp)
        sharding = c["sharding"] or ("zero1" if n["tp"] or n["pp"] else "zero3")
        parallel = c["sequence_parallel"] == "y" if c["sequence_parallel"] else profile.sequence_parallel and tp > 1
        whole = float(n["micro_batch"] or 0.0)
        per_rank = max(batch / dp, 1.0)
        sizes = (whole,) if whole else tuple(b for b in MICRO_BATCHES if b <= per_rank) or (1.0,)
        if not profile.gradient_accumulation:
            sizes = (per_rank,)
        for name, given in (("micro_batch", whole), ("vpp", n["vpp"]), ("recompute", c["recompute"])):
            if not given:
                notes.append(f"{name} unknown: the fastest that fits")
        chunks = _chunks(n["vpp"], float(model.layers[0]), pp, profile)
        flags = run.flags
        zero_bubble = profile.zero_bubble or flags.get("schedule", "").startswith(("zb", "v-"))
        flights = (np.nan, pp) if profile.limits_in_flight and pp > 1 else (np.nan,)
        recomputes = _recomputes(c["recompute"], flags)
        for micro, vpp, in_flight, (recompute, share, offload) in product(sizes, chunks, flights, recomputes):
            yield _strategy(
                seq_len=n["seq_len"],
                global_batch=batch,
                micro_batch=micro,
                tp=tp,
                cp=cp,
                pp=pp,
                vpp=vpp,
                ep=ep,
                etp=etp,
                dp=dp,
                recompute_layers=share,
                zero_bubble=float(zero_bubble),
                in_flight=in_flight,
                offload=offload,
                shard_group=_shard_group(flags, gpus, tp),
                sharding=SHARDINGS.index(sharding),
                recompute=recompute,
                sequence_parallel=parallel,
                gemm_class=PRECISION_CLASS[run.text["precision"]],
            )


def stated_facts(flags: dict[str, str]) -> set[str]:
    """What a row itself says of its stack, beside its name."""
    facts = set()
    if flags.keys() & {"tp-comm-overlap", "async-tp"}:
        facts.add("tensor overlap")
    if "vanilla-tp" in flags:
        facts.add("no tensor overlap")
    if "moe" in flags.get("cuda_graph", ""):
        facts.add("captured experts")
    if flags.get("ep_overlap") == "on":
        facts.add("expert overlap")
    if "torch.compile" in flags and flags["torch.compile"] != "false":
        facts.add("compiled")
    return facts


def with_facts(profile: SoftwareProfile, facts: set[str]) -> SoftwareProfile:
    """The profile of a stack with what one row states in its place."""

    def given(quantity: Quantity, value: float) -> Quantity:
        return dataclasses.replace(quantity, value=value, low=None, high=None, kind="given")

    overlap, experts = profile.overlap, profile.experts
    if "tensor overlap" in facts or "no tensor overlap" in facts:
        overlap = overlap.model_copy(update={"tensor": "tensor overlap" in facts})
    if "expert overlap" in facts:
        overlap = overlap.model_copy(update={"expert_exposed": given(overlap.expert_exposed, OVERLAPPED_EXPERTS)})
    if "captured experts" in facts:
        experts = experts.model_copy(update={"captured_on_hosts": True})
    update: dict[str, object] = {"overlap": overlap, "experts": experts}
    if "compiled" in facts:
        update["passes"] = given(profile.passes, 1.0)
    return profile.model_copy(update=update)


def _strategy(**values: float | int | bool | None) -> Strategy:
    return Strategy(**{k: np.array([v]) for k, v in values.items()})


def _expert_tensor(model: Model, profile: SoftwareProfile, *, tp: float, ep: float, ranks: float) -> float:
    """Default expert-tensor parallelism: that of the stack, halved until it fits beside expert parallelism."""
    if profile.experts.tensor == "one" or model.experts[0] == 0:
        return 1.0
    while tp > 1 and tp * ep > ranks:
        tp /= 2.0
    return tp


def _chunks(given: float | None, layers: float, pp: float, profile: SoftwareProfile) -> tuple[float, ...]:
    if given or pp <= 1 or not profile.interleaving:
        return (given or 1.0,)
    fits = [float(v) for v in range(1, MOST_CHUNKS + 1) if layers % (pp * v) == 0 or (layers + 2) % (pp * v) == 0]
    return tuple(fits) or (1.0,)


def _recomputes(given: str | None, flags: dict[str, str]) -> list[tuple[int, float, float]]:
    """(recompute, share of layers, offload) triples."""
    offloaded = "offload" in flags.get("remat", "")
    if given is not None:
        return [(RECOMPUTES.index(given), 1.0, OFFLOADED_PROJECTIONS if offloaded else 0.0)]
    choices = [(0, 1.0, offload) for offload in OFFLOADS] + [(1, 1.0, 0.0)]
    choices += [(2, share, 0.0) for share in RECOMPUTE_SHARES]
    return choices + [(2, share, 1.0) for share in RECOMPUTE_SHARES[1:-1]]


def _shard_group(flags: dict[str, str], gpus: float, tp: float) -> float:
    """Ranks over which states are sharded, where a run says that it is not all of them."""
    for key in ("zero1_group", "fsdp", "ici_fsdp"):
        if flags.get(key, "").isdigit():
            return float(flags[key])
    if flags.get("slices", "").isdigit():
        return gpus / float(flags["slices"]) / tp
    return np.inf
