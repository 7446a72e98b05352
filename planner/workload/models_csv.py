"""Reading models from a table: the columns of ``models.csv`` that ``planner validate --models`` accepts.

One row is one model. Columns (blank cells are unknown; ``*`` must be filled for a row to be usable)::

    name* layers* hidden* ffn_hidden heads* kv_heads head_dim vocab* gated_mlp tied_embeddings attention
    mla_q_lora mla_kv_lora mla_qk_rope mla_qk_nope mla_v_head
    moe_experts moe_top_k moe_ffn moe_shared_experts moe_dense_layers moe_layer_period
    sliding_window mtp notes n_params_total n_params_active source confidence

``attention`` names the kind (mha, gqa, mqa, mla) and may describe MLA ranks, a sparse indexer, sinks or
parallel blocks in words; ``sliding_window`` is a number with, optionally, ``on alternate layers`` or ``on A
of B layers``, and ``chunked``. A row that cannot be used is skipped with every reason; a table that cannot be
used is an `InputError`. The table does not say norms, biases or positions: RMS norms, no bias and rotary
positions are assumed, which moves totals by less than half a percent.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from planner.errors import InputError, OutputError, did_you_mean
from planner.workload.hf_config import slug
from planner.workload.hf_layers import stack
from planner.workload.hf_reader import sentences
from planner.workload.record import ModelRecord

__all__ = ["COLUMNS", "ModelTable", "Skipped", "parse_models", "read_models"]

MAX_BYTES: Final = 16_000_000
REQUIRED: Final = ("name", "layers", "hidden", "heads", "vocab")
COLUMNS: Final = (
    *REQUIRED, "n_params_total", "n_params_active", "ffn_hidden", "kv_heads", "head_dim", "gated_mlp",
    "tied_embeddings", "attention", "mla_q_lora", "mla_kv_lora", "mla_qk_rope", "mla_qk_nope", "mla_v_head",
    "moe_experts", "moe_top_k", "moe_ffn", "moe_shared_experts", "moe_dense_layers", "moe_layer_period",
    "sliding_window", "mtp", "notes", "source", "confidence",
)  # fmt: skip
_WINDOW: Final = re.compile(
    r"(?P<tokens>\d{1,9})(?: on (?:(?P<alternate>alternate)|(?P<a>\d{1,4}) of (?P<b>\d{1,4})) layers)?"
)
_MLA: Final = {
    "mla_q_lora": ("q_lora", "q_lora"),
    "mla_kv_lora": ("kv_lora", "kv_lora"),
    "mla_qk_rope": ("qk_rope", "rope"),
    "mla_qk_nope": ("qk_nope", "nope"),
    "mla_v_head": ("v_head_dim", "v"),
}
"""Column of an MLA rank: the field it fills, and the word before it in the attention column."""


class Skipped(NamedTuple):
    """A row that was not used."""

    line: int
    name: str
    reason: str


class ModelTable(NamedTuple):
    """The usable rows of a table, and why the others were skipped."""

    records: tuple[ModelRecord, ...]
    skipped: tuple[Skipped, ...]


def read_models(path: Path) -> ModelTable:
    """Read a table of models from a file.

    Raises
    ------
    OutputError
        The file cannot be read.
    InputError
        It is not a usable table.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise OutputError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    return parse_models(content, where=str(path))


def parse_models(content: bytes, *, where: str) -> ModelTable:
    """Read a table of models from the bytes of a CSV file; raises `InputError` where it is none."""
    rows = _rows(content, where=where)
    records: dict[str, ModelRecord] = {}
    skipped: list[Skipped] = []
    for line, row in rows:
        name = row["name"]
        try:
            record = _Row(row, where=f"{where}:{line}").record()
        except InputError as error:
            skipped.append(Skipped(line, name[:80], "; ".join(m.split(": ", 1)[-1] for m in error.mistakes)))
            continue
        if record.id in records:
            skipped.append(
                Skipped(line, name[:80], f"{record.id!r} stands in an earlier row; names must differ")
            )
            continue
        records[record.id] = record
    return ModelTable(tuple(records.values()), tuple(skipped))


def _rows(content: bytes, *, where: str) -> list[tuple[int, dict[str, str]]]:
    """Split the table into (line, cells by column), all cells stripped."""
    if len(content) > MAX_BYTES:
        raise InputError(
            f"{where}: larger than {MAX_BYTES // 1_000_000} MB; give a table with one row for each model"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        _check_header(header, where=where)
        found = []
        for cells in reader:
            if any(cell.strip() for cell in cells):
                padded = [cell.strip() for cell in cells] + [""] * (len(header) - len(cells))
                found.append((reader.line_num, _named(header, padded)))
    except csv.Error as error:
        raise InputError(
            f"{where}:{reader.line_num}: not CSV ({error}); quote cells that hold commas or quotes"
        ) from None
    if not found:
        raise InputError(f"{where}: no rows below the header; add one for each model")
    return found


def _named(header: list[str], cells: list[str]) -> dict[str, str]:
    """Return the cells by column; whatever is left over stands under the empty name."""
    return {**dict(zip(header, cells, strict=False)), "": " ".join(cells[len(header) :])}


def _check_header(header: list[str], *, where: str) -> None:
    mistakes = []
    if missing := [name for name in REQUIRED if name not in header]:
        hints = "".join(did_you_mean(name, (h for h in header if h not in COLUMNS)) for name in missing[:1])
        mistakes.append(f"{where}:1: the columns {', '.join(missing)} are missing; add them.{hints}")
    if repeated := sorted({name for name in header if name and header.count(name) > 1}):
        mistakes.append(f"{where}:1: the columns {', '.join(repeated)[:200]} stand twice; keep one of each")
    if mistakes:
        raise InputError.collect(mistakes)


class _Row:
    """One row; collects its mistakes, so that all of them are the reason for skipping it."""

    def __init__(self, row: Mapping[str, str], *, where: str) -> None:
        self.row = row
        self.where = where
        self.mistakes: list[str] = []
        self.attention_text = row.get("attention", "").lower()
        self.remarks = f"{self.attention_text} {row.get('notes', '').lower()}"

    def record(self) -> ModelRecord:
        if self.row.get(""):
            self._mistake("", "more cells than columns; quote cells that hold commas")
        if "hybrid" in self.remarks:
            self._mistake(
                "attention", "hybrids have no columns here; import the model's config.json or write a record"
            )
        document = {
            "id": slug(self.row["name"]),
            "name": self.row["name"],
            "architecture": self._architecture(),
            "cite": {"source": "models-csv", "at": f"row {self.row['name']}"[:200], "kind": "given"},
            "published": self._published(),
        }
        if not document["id"]:
            self._mistake("name", "is empty or has no usable letter")
        if self.mistakes:
            raise InputError.collect(dict.fromkeys(self.mistakes))
        try:
            return ModelRecord.model_validate(document)
        except ValidationError as error:
            raise InputError.collect(sentences(error, where=self.where)) from None

    def _mistake(self, column: str, message: str) -> None:
        self.mistakes.append(f"{self.where}: {column} {message}".replace(":  ", ": "))

    def _integer(self, column: str) -> int | None:
        """Return the whole number of a cell; None where blank, or wrong and recorded."""
        text = self.row.get(column, "")
        if not text:
            return None
        if not re.fullmatch(r"\d{1,10}", text, re.ASCII):
            self._mistake(column, f"is {text[:30]!r}, not a whole number")
            return None
        return int(text)

    def _needed(self, column: str) -> int:
        before, value = len(self.mistakes), self._integer(column)
        if value is None and len(self.mistakes) == before:
            self._mistake(column, "is blank")
        if value == 0:
            self._mistake(column, "is 0")
        return value or 1

    def _yes(self, column: str, *, default: bool) -> bool:
        text = self.row.get(column, "").lower()
        known = {
            "y": True,
            "yes": True,
            "true": True,
            "1": True,
            "n": False,
            "no": False,
            "false": False,
            "0": False,
        }
        if text and text not in known:
            self._mistake(column, f"is {text[:30]!r}; write y or n")
        return known.get(text, default)

    def _published(self) -> dict[str, str] | None:
        total, active = self.row.get("n_params_total", ""), self.row.get("n_params_active", "")
        return ({"total": total} | ({"active": active} if active else {})) if total else None

    def _architecture(self) -> dict[str, Any]:
        gated = self._yes("gated_mlp", default="non-gated" not in self.remarks)
        layers = min(self._needed("layers"), 10_000)
        moe = self._moe(gated=gated)
        attention = self._attention()
        mixers = self._mixers(attention, layers)
        ffns = self._ffns(layers) if moe else ["dense"] * layers
        values: dict[str, Any] = {
            "hidden": self._needed("hidden"),
            "vocab": self._needed("vocab"),
            "tied_embeddings": self._yes("tied_embeddings", default=False),
            "mtp": self._integer("mtp") or 0,
            "parallel_block": "parallel" in self.remarks,
            "attention": attention,
            "layers": stack(list(zip(mixers, ffns, strict=True))),
        }
        if "dense" in ffns:
            values["mlp"] = {"ffn": self._needed("ffn_hidden"), "gated": gated}
        return values | ({"moe": moe} if moe else {})

    def _attention(self) -> dict[str, Any]:
        heads = self._needed("heads")
        values: dict[str, Any] = {"heads": heads, "kv_heads": heads, "sinks": "sinks" in self.remarks}
        if "mla" in self.attention_text or any(self.row.get(column) for column in _MLA):
            ranks = {field: self._integer(c) or self._in_words(word) for c, (field, word) in _MLA.items()}
            values |= {"kind": "mla"} | {field: rank for field, rank in ranks.items() if rank is not None}
            if "indexer" in self.attention_text:
                _, _, said = self.attention_text.partition("indexer")
                fields = {"top_k": "topk", "heads": "heads", "dim": "dim"}
                values["indexer"] = {field: self._in_words(word, said) or 1 for field, word in fields.items()}
            return values
        head_dim = self._integer("head_dim") or self._needed("hidden") // heads
        return values | {"kv_heads": self._integer("kv_heads") or heads, "head_dim": head_dim}

    def _in_words(self, word: str, text: str | None = None) -> int | None:
        """Find the number after a word of the attention column, as in ``kv_lora 512``."""
        found = re.search(rf"\b{word} (\d{{1,9}})\b", self.attention_text if text is None else text, re.ASCII)
        return int(found[1]) if found else None

    def _mixers(self, attention: dict[str, Any], layers: int) -> list[str]:
        """Return one mixer per layer and put the window into `attention`."""
        text = self.row.get("sliding_window", "").lower()
        chunked = "chunk" in text
        if not text:
            said = re.search(r"alternating sliding window (\d{1,9})", self.attention_text, re.ASCII)
            text = f"{said[1]} on alternate layers" if said else ""
        if not text:
            return ["full"] * layers
        found = _WINDOW.search(text)
        if found is None or int(found["tokens"]) == 0:
            self._mistake("sliding_window", f"is {text[:40]!r}; write for example 1024 on 5 of 6 layers")
            return ["full"] * layers
        attention |= {"window": int(found["tokens"]), "chunked": chunked}
        often, period = (1, 2) if found["alternate"] else (int(found["a"] or 1), int(found["b"] or 1))
        if not 0 < often <= period:
            self._mistake("sliding_window", f"is {text[:40]!r}; A of B layers needs A up to B")
            return ["full"] * layers
        return ["window" if i % period < often else "full" for i in range(layers)]

    def _ffns(self, layers: int) -> list[str]:
        dense, period = self._integer("moe_dense_layers") or 0, max(self._integer("moe_layer_period") or 1, 1)
        if dense >= layers:
            self._mistake("moe_dense_layers", f"is {dense}, not fewer than the layers ({layers})")
        return ["moe" if i >= dense and (i + 1) % period == 0 else "dense" for i in range(layers)]

    def _moe(self, *, gated: bool) -> dict[str, Any] | None:
        if not self.row.get("moe_experts"):
            return None
        shared = self._integer("moe_shared_experts") or 0
        width = re.search(r"shared expert ffn (\d{1,9})", self.remarks, re.ASCII)
        values: dict[str, Any] = {"gated": gated, "shared_experts": shared}
        values |= {name: self._needed(f"moe_{name}") for name in ("experts", "top_k", "ffn")}
        return values | ({"shared_ffn": int(width[1])} if width and shared else {})
