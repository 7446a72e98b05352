"""What a measurement leaves out: candidates, their records, and rows that nothing can fill."""

from __future__ import annotations

import numpy as np
import pytest

from planner.catalog.load import Catalog
from planner.evidence.cases import SKIPS, Cases, build_cases
from planner.evidence.facts import OVERLAPPED_EXPERTS, stated_facts, with_facts
from planner.evidence.fill import MICRO_BATCHES, OFFLOADS, RECOMPUTE_SHARES
from planner.evidence.runs import Run, parse_runs
from planner.tables import RECOMPUTES, SHARDINGS
from planner.workload.kinds import MODEL, SOFTWARE

CATALOG = Catalog()
KNOWN = {
    "id": "a", "model": "llama-3-8b", "accelerator": "h100-sxm", "software": "megatron-core", "n_gpus": "64",
    "precision": "bf16", "seq_len": "8192", "global_batch_seqs": "512", "micro_batch": "1", "tp": "2",
    "pp": "4", "vpp": "1", "cp": "1", "ep": "", "etp": "", "sharding": "zero1", "recompute": "none",
    "sequence_parallel": "", "gpus_per_node": "", "scale_out_gbps_per_gpu": "", "other_flags": "",
    "step_time_s": "10",
}  # fmt: skip


def run(**cells: str) -> Run:
    row = KNOWN | cells
    (found,) = parse_runs(f"{','.join(row)}\n{','.join(row.values())}\n")
    return found


def cases(*, need_time: bool = True, **cells: str) -> Cases:
    return build_cases([run(**cells)], CATALOG, need_time=need_time)


def column(found: Cases, name: str) -> list[float]:
    return sorted(set(np.broadcast_to(getattr(found.strategy, name), len(found.run)).tolist()))


class TestCandidates:
    def test_a_row_that_says_it_all_has_one(self) -> None:
        found = cases()
        assert len(found.run) == 1
        expected = {
            "tp": 2,
            "pp": 4,
            "cp": 1,
            "dp": 8,
            "micro_batch": 1,
            "vpp": 1,
            "ep": 1,
            "global_batch": 512,
        }
        assert {name: column(found, name) for name in expected} == {
            k: [float(v)] for k, v in expected.items()
        }
        assert found.notes == {"a": []}
        assert found.measured_s.tolist() == [10.0]

    def test_unknown_micro_batches(self) -> None:
        assert column(cases(micro_batch=""), "micro_batch") == list(MICRO_BATCHES)
        few = cases(micro_batch="", global_batch_seqs="24")
        assert column(few, "micro_batch") == [1.0, 2.0], "no more than a replica has"
        assert column(cases(micro_batch="", global_batch_seqs="4"), "micro_batch") == [1.0]
        assert few.notes["a"] == ["micro_batch unknown: the fastest that fits"]

    def test_unknown_interleaving(self) -> None:
        assert column(cases(vpp=""), "vpp") == [1.0, 2.0, 4.0, 8.0], "32 layers on 4 stages"
        assert column(cases(vpp="", pp=""), "vpp") == [1.0]
        ends = cases(vpp="", model="llama-3.1-405b", n_gpus="256", pp="16", tp="8")
        assert column(ends, "vpp") == [1.0, 2.0, 4.0, 8.0], "126 layers and the two ends"
        assert column(cases(vpp="", software="megatron-deepspeed"), "vpp") == [1.0], (
            "a stack that cannot interleave"
        )

    def test_unknown_recompute(self) -> None:
        found = cases(recompute="")
        picks = zip(
            *(
                np.broadcast_to(getattr(found.strategy, n), len(found.run)).tolist()
                for n in ("recompute", "recompute_layers", "offload")
            ),
            strict=True,
        )
        names = {(RECOMPUTES[int(k)], share, moved) for k, share, moved in picks}
        assert {("none", 1.0, x) for x in OFFLOADS} | {("selective", 1.0, 0.0)} <= names
        assert {("full", x, 0.0) for x in RECOMPUTE_SHARES} <= names
        assert len(names) == len(found.run)

    def test_projections_kept_on_the_host(self) -> None:
        found = cases(recompute="full", other_flags="remat=qkv_proj_offloaded")
        assert column(found, "offload") == pytest.approx([0.2])
        assert column(found, "recompute_layers") == pytest.approx([0.8])

    @pytest.mark.parametrize(
        ("cells", "sharding"),
        [
            ({"sharding": "zero3"}, "zero3"),
            ({"sharding": ""}, "zero1"),
            ({"sharding": "", "tp": "", "pp": ""}, "zero3"),
            ({"sharding": "", "tp": "1", "pp": ""}, "zero1"),
        ],
    )
    def test_sharding(self, cells: dict[str, str], sharding: str) -> None:
        assert column(cases(**cells), "sharding") == [SHARDINGS.index(sharding)]

    def test_sequence_parallelism(self) -> None:
        assert column(cases(), "sequence_parallel") == [True]
        assert column(cases(sequence_parallel="n"), "sequence_parallel") == [False]
        assert column(cases(tp="1"), "sequence_parallel") == [False]
        assert column(cases(software="megatron-lm-2021"), "sequence_parallel") == [False]

    @pytest.mark.parametrize(
        ("software", "tp", "ep", "etp"),
        [
            ("megatron-core", "2", "8", 1.0),
            ("megatron-core", "4", "16", 1.0),
            ("megatron-bridge", "2", "8", 1.0),
        ],
    )
    def test_expert_tensor_parallelism_is_that_of_the_stack(
        self, software: str, tp: str, ep: str, etp: float
    ) -> None:
        found = cases(software=software, model="mixtral-8x7b", tp=tp, ep=ep, pp="1")
        stack = CATALOG.get(SOFTWARE, software).experts.tensor
        if stack == "one":
            assert column(found, "etp") == [etp]
        else:
            (size,) = column(found, "etp")
            assert 1 <= size <= float(tp)
            assert size * float(ep) <= 64
        assert column(cases(software=software, etp="2", ep="4", model="mixtral-8x7b"), "etp") == [2.0]

    def test_micro_batches_in_flight(self) -> None:
        found = cases(software="meta-internal-2024", model="llama-3-8b")
        assert sorted(np.isnan(found.strategy.in_flight)) == [False, True]
        assert np.isnan(cases().strategy.in_flight).all()

    def test_no_gradient_accumulation_means_one_pass(self) -> None:
        found = cases(software="maxtext", micro_batch="", accelerator="tpu-v5p", tp="", pp="")
        assert column(found, "micro_batch") == [8.0]

    @pytest.mark.parametrize(
        ("flags", "group"),
        [("zero1_group=8", 8.0), ("fsdp=16", 16.0), ("slices=2", 16.0), ("fsdp=many", np.inf), ("", np.inf)],
    )
    def test_sharding_groups(self, flags: str, group: float) -> None:
        assert column(cases(other_flags=flags), "shard_group") == [group]

    def test_zero_bubble_schedules(self) -> None:
        assert column(cases(), "zero_bubble") == [0.0]
        assert column(cases(other_flags="schedule=zb-h1"), "zero_bubble") == [1.0]
        assert column(cases(software="hai-llm"), "zero_bubble") == [1.0]


class TestHardware:
    def test_hosts_bound_switched_domains(self) -> None:
        h = cases(gpus_per_node="4").hardware
        assert (h.domain[0], h.node[0]) == (4, 4)
        assert cases().hardware.domain[0] == 8

    def test_racks_do_not_shrink_with_their_hosts(self) -> None:
        h = cases(accelerator="gb200", gpus_per_node="4").hardware
        assert (h.domain[0], h.node[0]) == (72, 4)

    def test_stated_networks(self) -> None:
        assert cases(scale_out_gbps_per_gpu="200").hardware.nic_bytes_per_s[0] == 25e9
        assert cases().hardware.nic_bytes_per_s[0] == 50e9

    def test_parts_without_kernel_tables_use_the_shared_ones(self) -> None:
        own, shared = (
            cases(accelerator=name).hardware.gemm_asymptote[0, 0] for name in ("h100-sxm", "mi300x")
        )
        assert own != shared


class TestStacks:
    def test_unknown_stacks_are_the_newest(self) -> None:
        found = cases(software="own-stack")
        newest = CATALOG.get(SOFTWARE, "newest").id
        assert found.profiles[0][0].id == newest
        assert found.notes["a"] == ["software own-stack has no profile: newest taken"]
        assert cases(software="").notes["a"] == ["software unknown has no profile: newest taken"]

    @pytest.mark.parametrize(
        ("cells", "stack"),
        [
            ({"software": "nemo", "other_flags": "framework=paxml"}, "pax"),
            ({"software": "x", "other_flags": "framework=composer/FSDP"}, "llm-foundry-fsdp"),
            ({"software": "nemo", "other_flags": "framework=maxtext"}, "maxtext"),
        ],
    )
    def test_the_framework_names_the_stack_more_exactly(self, cells: dict[str, str], stack: str) -> None:
        assert cases(**cells).profiles[0][0].id == stack

    def test_rows_of_one_stack_and_part_share_a_profile(self) -> None:
        rows = [
            run(id="a"),
            run(id="b"),
            run(id="c", accelerator="b200"),
            run(id="d", other_flags="ep_overlap=on"),
        ]
        found = build_cases(rows, CATALOG)
        assert found.profile.tolist() == [0, 0, 1, 2]
        assert [year for _, year in found.profiles] == [2022, 2024, 2022]

    @pytest.mark.parametrize(
        ("flags", "facts"),
        [
            ({}, set()),
            ({"tp-comm-overlap": ""}, {"tensor overlap"}),
            ({"async-tp": "on"}, {"tensor overlap"}),
            ({"vanilla-tp": ""}, {"no tensor overlap"}),
            ({"ep_overlap": "on"}, {"expert overlap"}),
            ({"ep_overlap": "off"}, set()),
            ({"torch.compile": ""}, {"compiled"}),
            ({"torch.compile": "false"}, set()),
        ],
    )
    def test_stated_facts(self, flags: dict[str, str], facts: set[str]) -> None:
        assert stated_facts(flags) == facts

    def test_facts_replace_those_of_the_profile(self) -> None:
        profile = CATALOG.get(SOFTWARE, "torchtitan")
        assert not profile.overlap.tensor
        changed = with_facts(profile, frozenset({"tensor overlap", "expert overlap", "compiled"}))
        assert changed.overlap.tensor
        assert changed.overlap.expert_exposed.value == OVERLAPPED_EXPERTS
        assert changed.passes.value == 1.0
        assert profile.passes.value > 1.0, "the record itself is as it was"
        assert with_facts(profile, frozenset()) == profile


class TestSkips:
    @pytest.mark.parametrize(
        ("cells", "why"),
        [
            ({"model": "no-such-model"}, "model"),
            ({"accelerator": "no-such-part"}, "accelerator"),
            ({"other_flags": "result=OOM", "step_time_s": ""}, "oom"),
            ({"precision": "fp12"}, "precision"),
            ({"precision": ""}, "precision"),
            ({"step_time_s": ""}, "target"),
            ({"seq_len": ""}, "batch"),
            ({"global_batch_seqs": ""}, "batch"),
            ({"n_gpus": ""}, "batch"),
            ({"precision": "nvfp4"}, "format"),
            ({"n_gpus": "60"}, "layout"),
            ({"n_gpus": "4"}, "layout"),
        ],
    )
    def test_why(self, cells: dict[str, str], why: str) -> None:
        found = cases(**cells)
        assert found.skipped == {"a": SKIPS[why]}
        assert len(found.run) == 0
        assert found.measured_s.tolist() == []

    def test_memory_needs_no_time(self) -> None:
        assert len(cases(need_time=False, other_flags="result=OOM", step_time_s="").run) == 1
        assert len(cases(need_time=False, step_time_s="").run) == 1

    def test_a_skipped_row_does_not_disturb_its_neighbours(self) -> None:
        rows = [run(id="a"), run(id="b", model="none"), run(id="c", vpp="")]
        found = build_cases(rows, CATALOG)
        assert found.run.tolist() == [0, 2, 2, 2, 2]
        assert set(found.skipped) == {"b"}
        assert set(found.notes) == {"a", "c"}

    def test_a_users_architecture_comes_first(self) -> None:
        small = CATALOG.get(MODEL, "llama-3.2-1b").architecture
        found = build_cases([run(model="llama-3-8b")], CATALOG, models={"llama-3-8b": small})
        assert found.model.hidden[0] == small.hidden
        mine = build_cases([run(model="mine")], CATALOG, models={"mine": small})
        assert mine.skipped == {}

    def test_hostile_sizes_end(self) -> None:
        """Numbers that a reader accepts and no machine has: an answer or a reason, and soon."""
        for cells in (
            {"n_gpus": "1e15", "tp": "1e15", "pp": "", "vpp": ""},
            {"n_gpus": "1e15", "tp": "", "pp": "", "vpp": "", "micro_batch": ""},
            {"n_gpus": "0.5", "tp": "", "pp": "", "vpp": ""},
            {"seq_len": "1e15", "global_batch_seqs": "1e15"},
            {"vpp": "1e15"},
            {"n_gpus": "64", "tp": "1.5"},
        ):
            found = cases(model="mixtral-8x7b", **cells)
            assert len(found.run) + len(found.skipped) >= 1
