"""Programs that run a plan, and how a plan is said to them: ``workloads/launchers/ID.yaml``.

A plan comes to a launcher as facts (`FACTS`): degrees of parallelism, batches, precisions, and the shape of
the model where the launcher has to be told. A record says which argument carries each fact. Every fact of its
question is either said or named as one that the launcher cannot be told: nothing is dropped in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from planner.catalog.quantity import IsoDate
from planner.catalog.records import Items, Record, Ref, Section, Text
from planner.workload.mixers import refuse

__all__ = ["FACTS", "MODEL_FACTS", "ConfigFile", "Launcher", "Question", "Setting", "Value", "names_in"]

Question = Literal["train", "serve"]
Scalar = Annotated[str, Field(min_length=1)] | bool | int | float
Value = Scalar | Annotated[tuple[Scalar, ...], Field(strict=False)]
"""What an argument is given; ``{fact}`` in a text stands for a fact."""

FACTS: Final[dict[str, dict[str, str]]] = {
    "train": {
        "model": "id of the model's record",
        "accelerator": "id of the part",
        "gpus": "accelerators of the job",
        "nodes": "hosts of the job",
        "gpus_per_node": "accelerators of a host that take part",
        "tp": "tensor parallelism",
        "cp": "context parallelism",
        "pp": "pipeline stages",
        "vpp": "chunks of a stage",
        "chunks": "chunks of a stage, where there are several and layers divide evenly",
        "schedule": "of the pipeline: 1f1b, interleaved, zero-bubble, interleaved-zero-bubble",
        "stage_layout": "layers of each chunk, in Megatron's letters, where they do not divide evenly",
        "stage_layers": "layers of a chunk, at most",
        "ep": "expert parallelism of a mixture",
        "etp": "tensor parallelism of its experts",
        "dispatch": "how tokens reach their experts: alltoall or deduplicated",
        "dp": "data parallelism",
        "micro_batch": "sequences of a micro-batch",
        "local_batch": "sequences of a rank and pass: of a pipeline's micro-batches together, else of one",
        "global_batch": "sequences of a step",
        "seq_len": "tokens of a sequence",
        "steps": "of the run",
        "sharding": "none, zero1, zero2, zero3 or hsdp",
        "shard_ranks": "data- and context-parallel ranks that share one copy of the sharded states",
        "shard_data_ranks": "of these, data-parallel ones",
        "copies": "copies of the sharded states, where there are several",
        "recompute": "none, selective or full",
        "recompute_modules": "what selective recompute repeats, in Megatron's names",
        "recompute_dense": "what selective recompute repeats of dense blocks",
        "recompute_layers": "layers of a chunk that full recompute repeats",
        "recompute_share": "share of the layers that full recompute repeats, where it is not all",
        "sequence_parallel": "norms split over the tensor-parallel ranks, where there are several",
        "in_flight": "micro-batches that the first stage keeps, where they are limited",
        "offload": "share of the activations in host memory",
        "precision": "of the matrix products",
        "kind": "pretrain, or a record of fine-tuning",
        "rank": "of adapters",
        "targets": "matrices with adapters",
        "packing": "share of the positions that hold tokens, where it is not all",
    },
    "serve": {
        "model": "id of the model's record",
        "role": "aggregated, prefill or decode",
        "pool": "the same, numbered where several layouts do the same work",
        "accelerator": "id of the part",
        "gpus": "accelerators of a replica",
        "nodes": "hosts of a replica, where there are several",
        "gpus_per_node": "accelerators of a replica on one host",
        "node": "first or other, where the hosts of a replica are started differently",
        "span": "what lies across hosts: nothing, data-parallel ranks, or the tensors of one",
        "tp": "tensor parallelism of attention",
        "pp": "pipeline stages",
        "dp": "data-parallel attention ranks, where there are several",
        "attention": "how it is divided: tensors, ranks, or both",
        "stage_gpus": "accelerators of a pipeline stage",
        "dp_local": "data-parallel ranks of a host",
        "rank_start": "the first rank of a host other than the first, for the shell",
        "ep": "expert parallelism of a mixture",
        "experts": "of a mixture: whole ones on every rank, divided ones, or mixed",
        "sequences": "that a replica admits",
        "rank_sequences": "that an attention rank admits",
        "chunk": "prompt tokens of a step and attention rank",
        "all_chunks": "prompt tokens of a step of the replica",
        "step_tokens": "tokens of a step and attention rank: a chunk, and each sequence with its drafts",
        "prefix_caching": "whether shared prefixes are kept",
        "weights": "format of the weights",
        "kv": "precision of keys and values",
        "speculation": "way of speculative decoding",
        "drafts": "draft tokens of a step",
        "verified": "draft tokens of a step, and the one that follows them",
    },
}  # fmt: skip
"""By question: what a plan says to a launcher. A fact that is not there (null) need not be said."""

MODEL_FACTS: Final[dict[str, str]] = {
    "layers": "layers of the model",
    "hidden": "width of the residual stream",
    "heads": "query heads",
    "kv_heads": "key and value heads, where there are fewer",
    "head_dim": "width of a head",
    "ffn": "inner width of the dense blocks",
    "gated": "whether feed-forward blocks are gated",
    "vocab": "rows of the embedding table",
    "tied": "whether the output head is the embedding table",
    "positions": "how positions enter",
    "norms": "kind of the norm layers",
    "biases": "where biases are: none, qkv, or all",
    "qk_norm": "norms of queries and keys",
    "mla": "multi-head latent attention",
    "q_lora": "its rank of queries",
    "kv_lora": "its rank of keys and values",
    "qk_nope": "width of a head without position",
    "qk_rope": "width of a head with position",
    "v_head_dim": "width of a value head",
    "experts": "routed experts",
    "top_k": "experts that a token visits",
    "expert_ffn": "inner width of an expert",
    "shared_ffn": "inner width of the shared experts together",
    "shared_gate": "a gate on the shared expert",
    "router_bias": "a bias of each expert in the router",
    "moe_layers": "which layers have experts, as a list in Python",
    "latent": "width at which routed experts read and write",
    "window": "tokens before its own that a windowed layer sees",
    "window_layers": "which layers are windowed, as a list in Python",
    "mtp": "modules of multi-token prediction",
    "beyond": "parts of the model that no fact describes",
}
"""What a launcher of training that builds the model from its shape must be told beside."""

_NAMED: Final = re.compile(r"\{([a-z_]+)\}")
_VARIABLE: Final = r"^[A-Z][A-Z0-9_]*$"


def names_in(value: Value) -> Iterator[str]:
    """Yield the facts that a value names."""
    for part in value if isinstance(value, tuple) else (value,):
        if isinstance(part, str):
            yield from _NAMED.findall(part)


Arguments = dict[Text, Value]
"""Argument to value. Leading dashes make it one of the command line, on which true stands without a value and
false is left out; capitals make it a variable of the environment."""


class Setting(Section):
    """How one fact is said: in exactly one of three ways."""

    flag: Text | None = None
    """An argument that is given the fact as it is; of a fact that is true or false, where it is true."""
    arguments: Arguments | None = None
    """Arguments where the fact is there, whatever it is."""
    values: dict[Text, Arguments] | None = None
    """Arguments by the fact's value; one that is not listed cannot be said."""
    but: dict[Text, Arguments] = Field(default_factory=dict)
    """Arguments of single values, where the others are said by flag."""
    nearest: dict[Text, Text] = Field(default_factory=dict)
    """Values that cannot be said, to the one that is said in their place."""
    why: Text | None = None
    """Why other values cannot be said, and the mend."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = [name for name in ("flag", "arguments", "values") if getattr(self, name) is not None]
        wrong = []
        if len(ways) != 1:
            wrong.append(f"give one of flag, arguments and values, not {' and '.join(ways) or 'none'}")
        if self.but and self.flag is None:
            wrong.append("but goes with flag; write those values under values")
        lost = [name for name in self.nearest.values() if name not in (self.values or {})]
        if lost:
            wrong.append(f"nearest leads to {', '.join(lost)}, which values lacks; add it there")
        refuse(wrong)
        return self

    def names(self) -> set[str]:
        """Return the facts that its arguments name."""
        sets = [self.arguments or {}, *(self.values or {}).values(), *self.but.values()]
        return {name for given in sets for value in given.values() for name in names_in(value)}


class ConfigFile(Section):
    """A file of arguments beside the command: those without leading dashes go there."""

    name: Text
    """Of the file; facts in it, ``{model}`` and ``{pool}``, keep those of several commands apart."""
    format: Literal["toml", "yaml"]
    flag: Text
    """The argument that names it."""


class Launcher(Record):
    """A program that trains or serves, at one version."""

    command: Question
    """Whose plans it runs."""
    version: Text
    """For which its arguments are written."""
    date: IsoDate
    """Of that version."""
    runs: Items[Text] = ()
    """Training stacks or engines of the catalog that are this program: plans for others are marked."""
    program: Annotated[Items[Text], Field(min_length=1)]
    """The command's first words; ``{fact}`` stands for a fact."""
    across: Items[Text] = ()
    """The same where a replica lies on several hosts."""
    last: Items[Text] = ()
    """Words at the end of every command."""
    starts: Literal["alike", "apart"] = "alike"
    """Whether all hosts of one replica run the same command."""
    shape: bool = False
    """Whether it builds the model from its shape: `MODEL_FACTS` then have to be said as well."""
    file: ConfigFile | None = None
    """Without one, arguments without leading dashes are ``name=value`` on the command line."""
    models: dict[Annotated[str, Ref("model")], Arguments] = Field(default_factory=dict)
    """Models that it knows by name."""
    unknown: Text | None = None
    """What to do for other models."""
    otherwise: Arguments = Field(default_factory=dict)
    """Arguments of other models."""
    always: Arguments = Field(default_factory=dict)
    """Arguments of every plan."""
    settings: dict[Text, Setting]
    """By fact."""
    unsaid: dict[Text, Text] = Field(default_factory=dict)
    """Facts that it cannot be told, and why or what to do."""
    variables: dict[Annotated[str, Field(pattern=_VARIABLE)], Text] = Field(default_factory=dict)
    """Of the shell, which the user sets: name to what it is."""
    pools: Text | None = None
    """What joins several replicas, or pools of prefill and decode."""

    def facts(self) -> dict[str, str]:
        """Return the facts that it has to be told, with what each is."""
        return FACTS[self.command] | (MODEL_FACTS if self.shape else {})

    def named(self) -> set[str]:
        """Return the facts that its arguments name within others."""
        name = self.file.name if self.file else ""
        words = [*self.program, *self.across, *self.last, name, *self.variables.values()]
        given = [self.always, self.otherwise, *self.models.values()]
        found = {name for word in words for name in names_in(word)}
        found |= {name for one in given for value in one.values() for name in names_in(value)}
        return found | {name for setting in self.settings.values() for name in setting.names()}

    @model_validator(mode="after")
    def _complete(self) -> Self:
        known = self.facts()
        said = self.settings.keys() | self.named() | ({"model"} if self.models or self.shape else set())
        wrong = []
        missing = [name for name in known if name not in said and name not in self.unsaid]
        if missing:
            wrong.append(f"nothing is said of {', '.join(missing)}; add each to settings or to unsaid")
        strange = [name for name in (*said, *self.unsaid) if name not in known]
        if strange:
            wrong.append(
                f"no fact of {self.command} is called {', '.join(sorted(strange))}; "
                f"there are {', '.join(known)}"
            )
        both = [name for name in self.unsaid if name in self.settings]
        if both:
            wrong.append(f"{', '.join(both)}: in settings and in unsaid; keep one")
        if self.command == "serve" and self.shape:
            wrong.append("shape is of training; a service reads the model from its checkpoint")
        refuse(wrong)
        return self
