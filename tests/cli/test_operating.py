"""Options on what surrounds the hardware, in ``planner train`` and ``planner serve``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]
TRAIN = ["train", "llama-3-8b", "--gpu", "h100", "--gpus", "64", "--tokens", "1T", "--top", "0"]
SERVE = ["serve", "llama-3-8b", "--accelerator", "h100", "--gpus", "16", "--top", "0"]
BOTH = pytest.mark.parametrize("command", [TRAIN, SERVE], ids=["train", "serve"])
FIELDS = (
    "goodput", "power_megawatts", "energy_megawatt_hours", "co2_tonnes", "cost_usd", "usd_per_gpu_hour",
    "usd_per_million_tokens",
)  # fmt: skip


def plan_of(result: Any) -> dict[str, Any]:
    assert result.exit_code == 0, result.stderr
    read: dict[str, Any] = json.loads(result.stdout)
    return read["result"]["plan"]  # type: ignore[no-any-return]


class TestBadInput:
    """A sentence with the mend on stderr, nothing on stdout, and the exit code of the documentation."""

    @BOTH
    @pytest.mark.parametrize(
        ("options", "code", "words"),
        [
            (["--price", "2.35"], 3, r"in what\? Write '\$2.35/h', in US dollars"),
            (["--price", "$2.35"], 3, r"per what\? Write '\$2.35/h'"),
            (["--price", "bought"], 3, r"'bought' is unknown; write own, colocation, .*'\$2.35/h'"),
            (["--price", "reserve"], 3, "did you mean 'reserved'"),
            (["--price", "2.35 EUR/h"], 3, "US dollars"),
            (["--price", "reserved@soon"], 3, "'soon' is not a date; write 2026"),
            (["--price", "reserved@2019"], 3, "no price on or before 2019.*later date"),
            (["--price", "colocation@2026"], 2, "a date goes with rents only"),
            (["--price", "h200-on-demand"], 3, "not of h100-sxm; name terms"),
            (["--site", "us-texs"], 3, "unknown site 'us-texs'. Did you mean 'us-texas'"),
            (["--site", "nowhere-at-all"], 3, "planner catalog list site"),
            (["--finance", "foo"], 3, "unknown finance 'foo'.*planner catalog list finance"),
            (["--checkpoint", "foo"], 3, "unknown checkpoint 'foo'.*planner catalog list checkpoint"),
            (["--checkpoint", "asynchronos"], 3, "Did you mean 'asynchronous'"),
            (["--power-cap", "300"], 3, "no unit; write for example"),
            (["--power-cap", "3 GWh"], 3, "not watts"),
            (["--power-cap", "0 W"], 3, "must be above 0; for example 300MW"),
            (["--set", "finance.it_life=-1 years"], 3, "must be more than zero"),
            (["--set", "finance.cost_of_capital=130 %"], 3, "at most 100 %"),
            (["--set", "finance.availability=0"], 3, "finance.availability=0"),
            (["--set", "site.usual.pue.mean=0.9"], 3, "a PUE is 1 or more: mean is 0.9"),
            (["--set", "site.usual.supplies.0.price=-0.1 USD/kWh"], 3, "zero|negative"),
            (["--set", "price.gpu_hour=2"], 3, "no unit"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else None,
    )
    def test_says_the_mend(
        self, run: Run, command: list[str], options: list[str], code: int, words: str
    ) -> None:
        result = run(*command, *options)
        assert result.exit_code == code, result.stderr
        assert result.stdout == ""
        assert result.stderr.startswith("Error: ")
        said = " ".join(result.stderr.split())
        assert re.search(words, said), said

    @BOTH
    @pytest.mark.parametrize(
        ("cap", "words"),
        [
            ("1W", "draw when idle, .*raise the cap"),
            ("4 kW", "one host of 8 .* draws at work.*raise the cap"),
        ],
    )
    def test_a_cap_below_one_host_is_an_answer_without_a_plan(
        self, run: Run, command: list[str], cap: str, words: str
    ) -> None:
        said = run(*command, "--power-cap", cap)
        assert said.exit_code == 4
        assert re.search(words, " ".join(said.stdout.split()))
        answer = json.loads(run(*command, "--power-cap", cap, "--json").stdout)["result"]
        assert answer["plan"] is None
        assert answer["nearest"][0]["field"] == "power_cap_megawatts"
        enough = f"{1.001 * answer['nearest'][0]['value']} MW"
        assert run(*command, "--power-cap", enough, "--gpus", "8").exit_code == 0

    @pytest.mark.parametrize("option", ["failures", "link"])
    def test_records_of_training_alone(self, run: Run, option: str) -> None:
        result = run(*TRAIN, f"--{option}", "foo")
        assert result.exit_code == 3
        assert f"unknown {option} 'foo'" in result.stderr
        assert f"planner catalog list {option}" in result.stderr
        assert run(*SERVE, f"--{option}", "foo").exit_code == 2

    def test_a_site_without_a_price_of_electricity(self, run: Run, tmp_path: Any) -> None:
        folder = tmp_path / "hardware" / "sites"
        folder.mkdir(parents=True)
        text = (
            "id: dark\nname: Dark\nlocation: here\npue: {mean: 1.2}\n"
            "supplies:\n  - {name: grid, kind: grid, carbon: 0.3 kg/kWh}\n"
        )
        (folder / "dark.yaml").write_text(text, encoding="utf-8")
        result = run("--catalog", str(tmp_path), *TRAIN, "--site", "dark")
        assert result.exit_code == 3
        said = "supplies.0.price: required field missing; add it, for example price: 0.07 USD/kWh"
        assert said in result.stderr


class TestAnswers:
    @BOTH
    def test_fields_are_there_with_their_intervals(self, run: Run, command: list[str]) -> None:
        plan = plan_of(run(*command, "--json"))
        for name in FIELDS:
            interval = plan[name]
            assert set(interval) == {"value", "low", "high"}, name
            assert 0 < interval["low"] <= interval["value"] <= interval["high"], name
        assert plan["cost_usd"]["low"] < plan["cost_usd"]["high"]

    def test_training_counts_failures(self, run: Run) -> None:
        plan = plan_of(run(*TRAIN, "--json"))
        assert plan["days"]["value"] < plan["days_with_failures"]["value"]
        reliability = plan["reliability"]
        assert {one["policy"] for one in reliability["policies"]} >= {reliability["policy"]}
        assert sum(reliability["lost"].values()) + plan["goodput"]["value"] == pytest.approx(1)

    @BOTH
    def test_people_see_power_carbon_and_cost(self, run: Run, command: list[str]) -> None:
        shown = run(*command).stdout
        for words in ("power", "energy", "carbon", "cost", "GPU-hour", "own or rent", "USD/kWh", "embodied"):
            assert words in shown

    def test_the_headline_counts_failures(self, run: Run) -> None:
        first = run(*TRAIN).stdout.splitlines()[0]
        assert "with failures" in first
        assert first.endswith("USD.")

    @BOTH
    def test_what_was_asked_is_in_the_inputs(self, run: Run, command: list[str]) -> None:
        asked = [
            "--site",
            "us-tx",
            "--price",
            "reserved@2026-03",
            "--finance",
            "epoch-1gw",
            "--power-cap",
            "1MW",
        ]
        inputs = json.loads(run(*command, *asked, "--json").stdout)["inputs"]
        wanted = {
            "site": "us-texas",
            "price": "reserved@2026-03",
            "finance": "epoch-1gw",
            "power_cap_megawatts": 1.0,
        }
        assert {name: inputs[name] for name in wanted} == wanted

    @BOTH
    def test_scenario_prices(self, run: Run, command: list[str]) -> None:
        rented = [*command, "--price", "reserved", "--json"]
        usual = plan_of(run(*rented))
        less = plan_of(run(*rented, "--set", "price.gpu_hour=*0.8"))
        for end in ("value", "low", "high"):
            assert less["cost_usd"][end] == pytest.approx(0.8 * usual["cost_usd"][end])

    @BOTH
    def test_a_cap_leaves_fewer_accelerators(self, run: Run, command: list[str]) -> None:
        result = run(*command, "--power-cap", "15 kW", "--json")
        plan = plan_of(result)
        assert plan["power"]["peak_megawatts"]["value"] <= 0.015
        said = [a for a in json.loads(result.stdout)["assumptions"] if a["field"] == "gpus"]
        assert [a["value"] for a in said] == [8]
        assert "15 kW" in said[0]["why"]

    def test_checkpoints_as_asked(self, run: Run) -> None:
        result = run(*TRAIN, "--checkpoint", "memory", "--failures", "meta-research", "--json")
        plan = plan_of(result)
        assert (plan["reliability"]["policy"], plan["reliability"]["failures"]) == ("memory", "meta-research")
        assert not [a for a in json.loads(result.stdout)["assumptions"] if a["field"] == "checkpoint"]

    def test_days_are_those_of_the_calendar(self, run: Run) -> None:
        asked = [
            "train",
            "llama-3-8b",
            "--gpu",
            "h100",
            "--gpus",
            "64",
            "--days",
            "14",
            "--top",
            "0",
            "--json",
        ]
        read = json.loads(run(*asked).stdout)["result"]
        took = read["plan"]["days_with_failures"]["value"]
        assert took == pytest.approx(14, rel=1e-5)
        tokens = read["plan"]["tokens_per_s"]["value"] * read["plan"]["goodput"]["value"] * 14 * 86_400
        assert read["tokens"]["value"] == pytest.approx(tokens, rel=1e-5)


@BOTH
def test_two_runs_differ_in_seconds_only(process: Run, command: list[str]) -> None:
    """Samples are drawn alike in every process, whatever its hashes."""
    texts = []
    for seed in ("1", "2"):
        done = process(*command, "--json", env={"PYTHONHASHSEED": seed})
        assert done.returncode == 0, done.stderr
        texts.append(re.sub(rb'("seconds(?:_of_all)?": )[0-9.e+-]+', rb"\1-", done.stdout))
    assert texts[0] == texts[1]
    assert b'"goodput"' in texts[0]
