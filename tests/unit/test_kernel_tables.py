"""Reading tables of measured kernels: every mistake with its line, column and mend."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from planner.catalog.load import Catalog
from planner.errors import InputError, OutputError
from planner.evidence.kernel_tables import (
    ATTENTION_FILE,
    ATTENTION_KERNELS,
    GEMM_FILE,
    GEMM_KERNELS,
    KernelTable,
    read_attention,
    read_gemm,
    shipped,
)

Write = Callable[[str, str], Path]
GEMM = "accelerator,kernel,m,n,k,time_us\n"
ATTENTION = "accelerator,kernel,batch,seq_len,heads,kv_heads,qk_dim,v_dim,time_us\n"
GOOD = "h100-sxm,bf16,4096,4096,4096,190\n"
CORE = "h100-sxm,grouped,1,4096,32,8,128,128,300\n"
CATALOG = Catalog()


def test_a_row_becomes_columns_in_base_units(write: Write) -> None:
    table = read_gemm(write("gemm.csv", GEMM + GOOD + GOOD.replace("bf16", "fp8")), CATALOG)
    assert table.accelerator.tolist() == ["h100-sxm", "h100-sxm"]
    assert table.kernel.tolist() == ["bf16", "fp8"]
    assert table.time_s == pytest.approx(190e-6)
    assert table.flop == pytest.approx(2 * 4096.0**3)
    assert table.peak_flop_per_s[1] == pytest.approx(2 * table.peak_flop_per_s[0], rel=1e-3)
    assert table.gemm_class.tolist() == [0, 1]
    assert len(table.take(np.array([False, True]))) == 1


def test_an_alias_is_the_accelerator(write: Write) -> None:
    named = GOOD.replace("h100-sxm", "H100_SXM")
    assert read_gemm(write("gemm.csv", GEMM + named), CATALOG).accelerator.tolist() == ["h100-sxm"]


def test_causal_attention_counts_half_of_the_square(write: Write) -> None:
    table = read_attention(write("attention.csv", ATTENTION + CORE), CATALOG)
    assert table.flop == pytest.approx(32 * 4096.0**2 * 256)
    assert table.compute_units == pytest.approx(132)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("", "gemm.csv: no rows below the header; add measurements"),
        (GOOD.replace("h100-sxm", "h100-sxn"), "gemm.csv:2: accelerator: .*Did you mean 'h100-sxm'"),
        (
            GOOD.replace("bf16", "bf61"),
            "gemm.csv:2: kernel: 'bf61' is no kind of kernel; did you mean",
        ),
        (GOOD.replace("190", "fast"), "gemm.csv:2: time_us: 'fast' is not a number; every row needs one"),
        (GOOD.replace("190", ""), "gemm.csv:2: time_us: '' is not a number"),
        (GOOD.replace("190", "-3"), "gemm.csv:2: time_us: -3 must be positive and finite"),
        (GOOD.replace("190", "nan"), "gemm.csv:2: time_us: nan must be positive and finite"),
        (GOOD.replace("190", "1e999"), "gemm.csv:2: time_us: 1e999 must be positive and finite"),
        (GOOD.replace("190", "1_9"), "gemm.csv:2: time_us: '1_9' is not a number"),
        (GOOD.replace("4096,190", "4096.5,190"), "gemm.csv:2: k: 4096.5 must be a whole number"),
        (GOOD.replace("190", "0.19"), "gemm.csv:2: time_us: means .* times the peak of h100-sxm; give micro"),
        (GOOD + GOOD, "gemm.csv:3: time_us: this shape stands already on line 2; keep one of them"),
        (
            GOOD.replace("h100-sxm,bf16", "a100-sxm-80gb,nvfp4"),
            "gemm.csv:2: kernel: a100-sxm-80gb has no",
        ),
        (GOOD.replace(",190", ""), "gemm.csv:2: has a different number of fields"),
        (GOOD.replace("\n", ",7\n"), "gemm.csv:2: has a different number of fields"),
        (GOOD.replace("h100", '"h100'), "gemm.csv:2: broken CSV"),
        (GOOD + "\0", "gemm.csv: holds a NUL byte"),
    ],
)
def test_bad_rows(write: Write, rows: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_gemm(write("gemm.csv", GEMM + rows), CATALOG)


def test_all_mistakes_are_told_at_once(write: Write) -> None:
    rows = GOOD.replace("190", "x") + GOOD.replace("bf16", "tf8") + GOOD.replace("4096,190", "0,190")
    with pytest.raises(InputError) as raised:
        read_gemm(write("gemm.csv", GEMM + rows), CATALOG)
    assert [mistake.split(": ")[0].rpartition(":")[2] for mistake in raised.value.mistakes] == ["2", "3", "4"]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (GEMM.replace("time_us", "time"), "gemm.csv:1: missing columns time_us.*docs/kernels.md"),
        (GEMM.replace("n,k", "k,k"), "gemm.csv:1: missing columns n"),
        (GEMM.replace("n,k", "n,k,k"), "gemm.csv:1: columns k stand twice"),
        ("", "gemm.csv:1: missing columns accelerator, kernel, m, n, k, time_us"),
    ],
)
def test_bad_headers(write: Write, header: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_gemm(write("gemm.csv", header + GOOD), CATALOG)


def test_key_heads_divide_the_heads(write: Write) -> None:
    with pytest.raises(InputError, match=r"attention\.csv:2: kv_heads: does not divide heads"):
        read_attention(write("attention.csv", ATTENTION + CORE.replace(",8,", ",5,")), CATALOG)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot read"):
        read_gemm(tmp_path / "none.csv", CATALOG)
    (tmp_path / "latin.csv").write_bytes(GEMM.encode() + b"\xe9")
    with pytest.raises(InputError, match="not UTF-8"):
        read_gemm(tmp_path / "latin.csv", CATALOG)


@pytest.mark.parametrize(
    ("file", "read", "kernels"),
    [(GEMM_FILE, read_gemm, GEMM_KERNELS), (ATTENTION_FILE, read_attention, ATTENTION_KERNELS)],
)
def test_the_shipped_tables_are_small_and_sound(
    file: str, read: Callable[[Path, Catalog], KernelTable], kernels: dict[str, int]
) -> None:
    assert shipped(file).stat().st_size < 150_000
    table = read(shipped(file), CATALOG)
    assert set(table.kernel.tolist()) == set(kernels)
    assert len(table) > 2000
