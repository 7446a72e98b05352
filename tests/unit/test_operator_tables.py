"""Tables of measured serving kernels are read strictly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from planner.catalog.load import Catalog
from planner.errors import InputError
from planner.evidence.operator_families import FAMILIES
from planner.evidence.operator_tables import read_operators

CATALOG = Catalog()
DECODE = "accelerator,kernel,batch,context,heads,kv_heads,head_dim,time_us\n"
GOOD = "h100-sxm,grouped_bits16,64,8192,8,1,128,95.2\n"


def read(tmp_path: Path, text: str, family: str = "decode") -> object:
    file = tmp_path / "mine.csv"
    file.write_text(text, encoding="utf-8")
    return read_operators(family, CATALOG, (file,))


def test_rows_are_read_and_predicted(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(DECODE + GOOD + "H100-SXM5,latent_bits8,1,16,16,1,576,11.5\n", encoding="utf-8")
    rows = read_operators("decode", CATALOG, (file,))
    assert rows.accelerator.tolist() == ["h100-sxm", "h100-sxm"]
    assert rows.kernel.tolist() == ["grouped_bits16", "latent_bits8"]
    assert rows.region.tolist() == [2, 0]
    assert rows.hot.tolist() == [False, False]
    assert rows.size["context"].tolist() == [8192, 16]
    assert rows.time_s[0] == pytest.approx(95.2e-6)
    np.testing.assert_allclose(rows.ratio, rows.predicted_s / rows.time_s)
    assert 0.7 < rows.ratio[0] < 1.4


@pytest.mark.parametrize(
    ("batch", "context", "time_us", "hot"), [(64, 1024, 12.0, True), (1, 256, 11.0, False)]
)
def test_a_cache_that_fits_into_l2_is_hot_where_reading_it_would_matter(
    tmp_path: Path, batch: int, context: int, time_us: float, hot: bool
) -> None:
    """34 MB and 0.1 MB on an H100 with 50 MB of L2."""
    file = tmp_path / "mine.csv"
    text = f"h100-sxm,grouped_bits16,{batch},{context},8,1,128,{time_us}\n"
    file.write_text(DECODE + text, encoding="utf-8")
    assert read_operators("decode", CATALOG, (file,)).hot.tolist() == [hot]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "mine.csv: no rows below the header"),
        (GOOD.replace("h100-sxm", "h100-sxn"), r"mine.csv:2: accelerator: .*Did you mean 'h100-sxm'"),
        (
            GOOD.replace("bits16", "bits6"),
            r"mine.csv:2: kernel: 'grouped_bits6' is no kind of kernel; did you",
        ),
        (GOOD.replace("64,", "64.5,"), r"mine.csv:2: batch: 64.5 must be a whole number"),
        (GOOD.replace("95.2", "-1"), r"mine.csv:2: time_us: -1 must be positive"),
        (GOOD.replace("95.2", "fast"), r"mine.csv:2: time_us: 'fast' is not a number"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, DECODE + text)


def test_all_mistakes_come_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"(?s)mine.csv:2: kernel.*mine.csv:3: time_us"):
        read(tmp_path, DECODE + GOOD.replace("grouped", "grupped") + GOOD.replace("95.2", "0"))


def test_a_window_of_zero_is_none(tmp_path: Path) -> None:
    header = "accelerator,kernel,batch,tokens,window,heads,kv_heads,head_dim,time_us\n"
    rows = [f"b200,grouped_bits16,4,8192,{window},32,8,128,900\n" for window in (0, 8192, 128)]
    file = tmp_path / "mine.csv"
    file.write_text(header + "".join(rows), encoding="utf-8")
    none, whole, narrow = read_operators("context", CATALOG, (file,)).predicted_s
    assert none == pytest.approx(whole)
    assert narrow < 0.5 * whole


@pytest.mark.parametrize("name", FAMILIES)
def test_the_shipped_tables_are_read_whole(name: str) -> None:
    rows = read_operators(name, CATALOG)
    assert len(rows) > 2000
    assert set(rows.kernel) == set(FAMILIES[name].kernels)
    assert np.isfinite(rows.predicted_s).all()
    assert set(rows.region) == {0, 1, 2}
