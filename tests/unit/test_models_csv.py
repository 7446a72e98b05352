from __future__ import annotations

from pathlib import Path

import pytest

from planner.errors import InputError, OutputError
from planner.workload.counts import parameters
from planner.workload.models_csv import COLUMNS, parse_models, read_models

HEADER = "name,layers,hidden,ffn_hidden,heads,kv_heads,head_dim,vocab,gated_mlp,tied_embeddings,attention"


def table(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *rows]).encode()


def test_a_row_becomes_a_record() -> None:
    found = parse_models(table("llama-3-8b,32,4096,14336,32,8,128,128256,y,n,gqa"), where="m.csv")
    assert found.skipped == ()
    (record,) = found.records
    assert record.id == "llama-3-8b"
    assert parameters(record.architecture).total == 8_030_261_248


def test_every_column_is_used() -> None:
    cells = dict.fromkeys(COLUMNS, "") | {
        "name": "big", "layers": "12", "hidden": "512", "heads": "8", "vocab": "1000", "ffn_hidden": "1024",
        "gated_mlp": "yes", "attention": "mla + sparse indexer topk 2048 heads 64 dim 128",
        "mla_kv_lora": "128",
        "mla_qk_rope": "32", "mla_qk_nope": "64", "mla_v_head": "64", "moe_experts": "16", "moe_top_k": "2",
        "moe_ffn": "256", "moe_shared_experts": "1", "moe_dense_layers": "2", "mtp": "1",
        "notes": "shared expert ffn 300", "n_params_total": "7.5e7", "n_params_active": "4e7",
    }  # fmt: skip
    found = parse_models(table(",".join(cells.values()), header=",".join(cells)), where="m.csv")
    a = found.records[0].architecture
    assert a.attention is not None
    assert a.attention.indexer is not None
    assert (a.attention.kind, a.attention.indexer.top_k, a.attention.indexer.heads) == ("mla", 2048, 64)
    assert a.moe is not None
    assert (a.moe.shared_width, a.mtp, a.count(ffn="dense"), a.count(ffn="moe")) == (300, 1, 2, 10)
    assert found.records[0].published is not None
    assert found.records[0].published.total.value == 7.5e7


@pytest.mark.parametrize(
    ("window", "expected"),
    [("4096", (12, 4096, False)), ("128 on alternate layers", (6, 128, False)), ("1024 on 5 of 6 layers",
        (10, 1024, False)),
     ("chunked attention 8192 on 3 of 4 layers", (9, 8192, True))],
)  # fmt: skip
def test_windows_are_read_from_words(window: str, expected: tuple[int, int, bool]) -> None:
    row = f"m,12,512,1024,8,8,64,1000,y,n,gqa,{window}"
    a = parse_models(table(row, header=f"{HEADER},sliding_window"), where="m").records[0].architecture
    assert a.attention is not None
    assert (a.count(mixer="window"), a.window_size, a.attention.chunked) == expected


def test_a_row_is_skipped_with_every_reason() -> None:
    found = parse_models(
        table(
            "ok,2,64,128,4,4,16,100,y,n,mha",
            "bad,1e9,-3,,4,3,16,,maybe,n,mha",
            "ok,2,64,128,4,4,16,100,y,n,mha",
            "hy,2,64,128,4,4,16,100,y,n,hybrid of things",
            "odd,2,64,128,4,3,16,100,y,n,gqa",
            "!!!,2,64,128,4,4,16,100,y,n,gqa",
            "long,2,64,128,4,4,16,100,y,n,gqa,extra",
        ),
        where="m.csv",
    )
    assert [record.id for record in found.records] == ["ok"]
    reasons = {skipped.line: skipped.reason for skipped in found.skipped}
    for part in (
        "layers is '1e9'",
        "hidden is '-3'",
        "vocab is blank",
        "ffn_hidden is blank",
        "gated_mlp is 'maybe'",
    ):
        assert part in reasons[3]
    assert "earlier row" in reasons[4]
    assert "hybrids have no columns" in reasons[5]
    assert "not a multiple of kv_heads" in reasons[6]
    assert "no usable letter" in reasons[7]
    assert "more cells than columns" in reasons[8]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "name, layers, hidden, heads, vocab are missing"),
        (b"\xff\xfe", "not UTF-8"),
        (b"nam,layers,hidden,heads,vocab\n", "name are missing; add them. Did you mean 'nam'"),
        (b"name,name,layers,hidden,heads,vocab\n", "name stand twice"),
        (b"name,layers,hidden,heads,vocab\n\n , \n", "no rows"),
        (b'name,layers,hidden,heads,vocab\n"x,1\n', "not CSV"),
        (b"name,layers,hidden,heads,vocab\n" + b"x" * 200_000, "not CSV"),
        (b"x" * 16_000_001, "larger than 16 MB"),
    ],
)
def test_a_hostile_table_is_answered(content: bytes, said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_models(content, where="m.csv")
    assert said in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be read"):
        read_models(tmp_path / "none.csv")
    path = tmp_path / "m.csv"
    path.write_bytes(table("m,2,64,128,4,4,16,100,y,n,mha"))
    assert len(read_models(path).records) == 1
