"""Reading a file of measurements: what is taken, and what is refused with its place and mend."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import InputError, OutputError
from planner.evidence.csv_rows import LARGEST_FILE_BYTES
from planner.evidence.runs import REQUIRED, Run, parse_runs, read_runs

HEADER = (
    "id,family,source,software,model,accelerator,n_gpus,precision,seq_len,global_batch_seqs,micro_batch,tp,pp,"
    "sharding,recompute,sequence_parallel,other_flags,step_time_s,tokens_per_s_per_gpu,note"
)
ROW = (
    "a,fam,src,nemo,llama-3-8b,h100-sxm,8,bf16,4096,128,1,1,1,zero1,none,,torch.compile;remat=full,10.5,,free"
)
TEXT = f"{HEADER}\n{ROW}\n"


def changed(**cells: str) -> str:
    names, values = HEADER.split(","), ROW.split(",")
    row = dict(zip(names, values, strict=True)) | cells
    return f"{HEADER}\n{','.join(row.values())}\n"


def mistakes(text: str) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        parse_runs(text, "runs.csv")
    return caught.value.mistakes


def outcome(text: str) -> tuple[list[Run], tuple[str, ...]]:
    """Rows, or else why there are none; anything but an `InputError` escapes."""
    try:
        return parse_runs(text, "runs.csv"), ()
    except InputError as error:
        return [], error.mistakes


def only(text: str) -> Run:
    (run,) = parse_runs(text)
    return run


class TestGoodFiles:
    def test_a_row(self) -> None:
        run = only(TEXT)
        assert (run.id, run.family, run.line) == ("a", "fam", 2)
        assert run.number["n_gpus"] == 8.0
        assert run.number["vpp"] is None, "a column that is not there is unknown"
        assert run.choice == {"sharding": "zero1", "recompute": "none", "sequence_parallel": None}
        assert run.flags == {"torch.compile": "", "remat": "full"}
        assert run.step_time_s == 10.5
        assert not run.out_of_memory

    def test_the_step_time_may_follow_from_the_rate(self) -> None:
        run = only(changed(step_time_s="", tokens_per_s_per_gpu="8192"))
        assert run.step_time_s == 128 * 4096 / (8192 * 8)
        assert only(changed(step_time_s="")).step_time_s is None
        assert only(changed(step_time_s="2", tokens_per_s_per_gpu="8192")).step_time_s == 2.0

    @pytest.mark.parametrize(
        ("cells", "family"),
        [({}, "fam"), ({"family": ""}, "src"), ({"family": "", "source": ""}, "user")],
    )
    def test_rows_without_a_family_belong_to_their_source(self, cells: dict[str, str], family: str) -> None:
        assert only(changed(**cells)).family == family

    @pytest.mark.parametrize(
        ("flag", "failed"), [("result=OOM", True), ("result=oom at 4", True), ("result=ok", False)]
    )
    def test_runs_that_ran_out_of_memory(self, flag: str, failed: bool) -> None:
        assert only(changed(other_flags=flag)).out_of_memory is failed

    @pytest.mark.parametrize(
        "text",
        [
            TEXT.replace("\n", "\r\n"),
            TEXT.rstrip("\n"),
            TEXT.replace("a,fam", ' a , "fam"'),
            f"{HEADER}\n\n{ROW}\n\n",
            TEXT.replace(",8,bf16", ",8.0,bf16").replace(",4096,", ",4.096e3,"),
        ],
        ids=["CRLF", "no last line end", "spaces", "blank lines", "notations"],
    )
    def test_spelling_does_not_matter(self, text: str) -> None:
        run = only(text)
        assert (run.id, run.number) == ("a", only(TEXT).number)

    def test_a_byte_order_mark_is_skipped(self, tmp_path: Path) -> None:
        path = tmp_path / "runs.csv"
        path.write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
        assert read_runs(path)[0].id == "a"

    def test_order_of_columns_and_extra_ones_do_not_matter(self) -> None:
        names, values = HEADER.split(","), ROW.split(",")
        text = f"{','.join(names[::-1])}\n{','.join(values[::-1])}\n"
        assert only(text).number == only(TEXT).number


class TestBadFiles:
    @pytest.mark.parametrize("column", REQUIRED)
    def test_missing_columns(self, column: str) -> None:
        (message,) = mistakes(TEXT.replace(column, f"x{column}", 1))
        assert f"runs.csv:1: missing columns {column}." in message
        assert f"Did you mean 'x{column}'?" in message

    def test_one_of_the_measured_columns_is_needed(self) -> None:
        text = TEXT.replace("step_time_s", "x").replace("tokens_per_s_per_gpu", "y")
        assert "missing columns step_time_s" in mistakes(text)[0]

    @pytest.mark.parametrize(
        "text",
        ["", "\n", "id\n", "not a table", TEXT.replace(",", ";"), TEXT.replace(",", "\t"), "{}", "%PDF-1.7"],
    )
    def test_what_is_not_such_a_table(self, text: str) -> None:
        assert "missing columns" in mistakes(text)[0]

    def test_a_header_alone(self) -> None:
        assert "no rows" in mistakes(HEADER + "\n")[0]

    def test_a_column_twice(self) -> None:
        text = TEXT.replace(",note", ",tp").replace(",free", ",1")
        assert mistakes(text) == ("runs.csv:1: columns tp stand twice; remove one",)

    @pytest.mark.parametrize(
        "value",
        ["nan", "NaN", "inf", "-inf", "1e999", "-1", "0", "-0", "1e16", "eight", "1_000", "0x10", "1,5",
         "=1+1", "8 GPUs", "--", "1e", "∞"],
    )  # fmt: skip
    @pytest.mark.parametrize("column", ["n_gpus", "seq_len", "step_time_s", "tp"])
    def test_what_is_not_a_positive_number(self, column: str, value: str) -> None:
        (message,) = mistakes(changed(**{column: f'"{value}"'}))
        assert message.startswith(f"runs.csv:2: {column}: ")
        assert message.endswith("leave blank if unknown")

    @pytest.mark.parametrize(
        ("column", "value"), [("sharding", "zero9"), ("recompute", "some"), ("sequence_parallel", "yes")]
    )
    def test_what_is_not_a_choice(self, column: str, value: str) -> None:
        (message,) = mistakes(changed(**{column: value}))
        assert f"runs.csv:2: {column}: '{value}' is not one of " in message

    @pytest.mark.parametrize("column", ["id", "model", "accelerator"])
    def test_blanks_where_every_row_needs_a_word(self, column: str) -> None:
        assert f"{column}: is blank" in mistakes(changed(**{column: "  "}))[0]

    def test_the_same_id_twice(self) -> None:
        assert mistakes(TEXT + ROW + "\n") == ("runs.csv:3: id: 'a' stands already on line 2; rename it",)

    @pytest.mark.parametrize("row", [ROW + ",more", ROW.rsplit(",", 3)[0], "b"])
    def test_rows_of_another_length(self, row: str) -> None:
        found = mistakes(f"{HEADER}\n{row}\n")
        assert "has a different number of fields than the header" in found[0]

    def test_all_mistakes_at_once(self) -> None:
        bad = changed(tp="x", sharding="y", model="")
        found = mistakes(bad + bad.split("\n")[1] + "\n")
        assert len(found) == 7
        assert {message.split(":")[1] for message in found} == {"2", "3"}

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            (TEXT + "\0", "NUL"),
            (TEXT.replace("a,fam", '"a,fam'), "broken CSV"),
            (TEXT.replace("a,fam", '"a"b,fam'), "broken CSV"),
            (TEXT.replace("free", "x" * 200_000), "broken CSV"),
        ],
        ids=["NUL", "open quote", "quote inside", "endless field"],
    )
    def test_broken_csv(self, text: str, words: str) -> None:
        assert words in mistakes(text)[0]

    @pytest.mark.parametrize("end", range(len(HEADER) - 30, len(TEXT) - 1, 7))
    def test_a_truncated_file_is_refused_or_read_as_it_stands(self, end: int) -> None:
        runs, refused = outcome(TEXT[:end])
        assert all(message.startswith("runs.csv:") for message in refused)
        if not refused:
            assert [run.id for run in runs] == ["a"]
            assert end > len(HEADER) + len(ROW) - 5, "only the free text at the end may be cut"

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252", "shift_jis"])
    def test_other_encodings(self, tmp_path: Path, encoding: str) -> None:
        path = tmp_path / "runs.csv"
        path.write_bytes(
            TEXT.replace("free", "é" if encoding in ("latin-1", "cp1252") else "字").encode(encoding)
        )
        with pytest.raises(InputError, match=r"not UTF-8|NUL|missing columns"):
            read_runs(path)

    @pytest.mark.parametrize(
        "data", [b"\x89PNG\r\n\x1a\n\x00\x00", b"PK\x03\x04\x14\x00", b"\xff\xfe\x00", b"\x1f\x8b\x08"]
    )
    def test_binary_files(self, tmp_path: Path, data: bytes) -> None:
        path = tmp_path / "runs.csv"
        path.write_bytes(data * 100)
        with pytest.raises(InputError, match=r"not UTF-8|NUL|missing columns"):
            read_runs(path)

    def test_files_that_cannot_be_read(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match="cannot read"):
            read_runs(tmp_path)
        with pytest.raises(OutputError, match="no-such"):
            read_runs(tmp_path / "no-such.csv")

    def test_a_file_beyond_reason(self, tmp_path: Path) -> None:
        path = tmp_path / "runs.csv"
        with path.open("wb") as file:
            file.truncate(LARGEST_FILE_BYTES + 1)
        with pytest.raises(InputError, match="split it"):
            read_runs(path)

    @given(text=st.text(max_size=300) | st.text(alphabet='a1,"\n\r;= -.\0', max_size=200))
    def test_no_text_raises_anything_else(self, text: str) -> None:
        for whole in (text, f"{HEADER}\n{text}", f"{TEXT}{text}"):
            runs, refused = outcome(whole)
            assert bool(runs) != bool(refused)
            assert len({run.id for run in runs}) == len(runs)

    @given(cells=st.lists(st.text(max_size=12), min_size=20, max_size=20))
    def test_no_cells_raise_anything_else(self, cells: list[str]) -> None:
        quoted = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)
        for run in outcome(f"{HEADER}\n{quoted}\n")[0]:
            assert all(value is None or 0 < value <= 1e15 for value in run.number.values())
