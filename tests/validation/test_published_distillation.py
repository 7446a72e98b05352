"""Published figures of distillation and of reinforcement learning, by the functions that answer questions.

The identifiers are those of the table in docs/method_scaling.md; each test names its source.
"""

from __future__ import annotations

import numpy as np
import pytest

from planner.catalog.load import Catalog
from planner.errors import InputError
from planner.model.cost.tokens import run_usd, token_revenue_usd
from planner.model.scaling.distilling import (
    crossover_tokens,
    distillation_flop,
    logit_bytes,
    student_loss,
    supervised_loss,
    teacher_too_good,
)
from planner.model.scaling.ranges import beyond
from planner.model.scaling.reward import compute_for_reward, generation_share, reward
from planner.tables.laws import DistillationLaw, RewardLaw
from planner.tables.samples import Samples
from planner.tables.scaling import law_named

CATALOG = Catalog()
BUSBRIDGE = law_named(CATALOG, "busbridge", Samples(0), DistillationLaw)


def reward_law(name: str) -> RewardLaw:
    return law_named(CATALOG, name, Samples(0), RewardLaw)


class TestBusbridge:
    """D. Busbridge et al., arXiv:2502.08606, Eq. 8, Eq. 9, Table 6, appendix G.4."""

    def test_coefficients(self) -> None:
        """DI-coef; the last two are exponents of parameters and tokens in compute-optimal training."""
        printed = {
            "floor": 1.220,
            "parameter_factor": 3355,
            "token_factor": 18186,
            "parameter_exponent": 0.408,
            "token_exponent": 0.431,
            "outer_exponent": 0.452,
            "student_parameter_factor": 2243,
            "student_token_factor": 24181,
            "student_parameter_exponent": 0.321,
            "student_token_exponent": 0.637,
            "student_outer_exponent": 0.764,
            "teacher_exponent": 2.549,
            "capacity_slope": 522.6,
            "capacity_sharpness": 0.090,
            "capacity_ratio": 1.315,
        }
        assert {name: getattr(BUSBRIDGE, name).item() for name in printed} == printed
        total = BUSBRIDGE.parameter_exponent + BUSBRIDGE.token_exponent
        assert (BUSBRIDGE.token_exponent / total).item() == pytest.approx(0.513, abs=1e-3)
        assert (BUSBRIDGE.parameter_exponent / total).item() == pytest.approx(0.486, abs=1e-3)

    @pytest.mark.parametrize(
        ("parameters", "tokens", "teacher", "plain", "student"),
        [
            (1e9, 4e9, 2.1, 2.59902, 2.37708),
            (1e9, 2e10, 2.1, 2.37469, 2.2928),
            (1e9, 1e12, 2.1, 2.14241, 2.1583),
            (3e9, 6e10, 2.0, 2.1578, 2.11328),
            (3e9, 5.12e11, 2.0, 2.02532, 2.04348),
        ],
    )
    def test_losses(
        self, parameters: float, tokens: float, teacher: float, plain: float, student: float
    ) -> None:
        """DI-law-*: supervised and distilled loss of the same student."""
        without = supervised_loss(law=BUSBRIDGE, parameters=parameters, tokens=tokens)
        with_one = student_loss(law=BUSBRIDGE, parameters=parameters, tokens=tokens, teacher_loss=teacher)
        assert without.item() == pytest.approx(plain, abs=2e-4)
        assert with_one.item() == pytest.approx(student, abs=2e-4)

    def test_crossovers(self) -> None:
        """DI-cross-5e+08 to DI-cross-7e+09: tokens above which training without a teacher is better."""
        found = crossover_tokens(
            law=BUSBRIDGE,
            parameters=np.array([5e8, 1e9, 3e9, 7e9]),
            teacher_loss=np.array([2.1, 2.1, 2.0, 2.0]),
        )
        assert found[0] == pytest.approx([3.818e12, 3.383e11, 2.455e11, 1.042e11], rel=0.01)

    def test_a_much_better_teacher_can_be_worse(self) -> None:
        """The capacity gap: of teachers for a small student the best is not the one with the least loss."""
        asked = {"law": BUSBRIDGE, "parameters": 3e8, "tokens": 1e11}
        assert teacher_too_good(teacher_loss=np.array([1.8, 2.6]), **asked)[0] == pytest.approx([1.0, 0.0])

    def test_outside_its_range(self) -> None:
        """Trap 12: a student of 70B is said to be an extrapolation, one of 7B is not."""
        assert beyond(BUSBRIDGE, parameters=7e9, tokens=1e11) == ()
        (said,) = beyond(BUSBRIDGE, parameters=70e9)
        assert said.endswith(": 70B is 5.6 times outside, an extrapolation")

    def test_compute(self) -> None:
        """DI-flops: 8B from 70B on 1T tokens, teacher's passes counted; 3.917 times the student alone."""
        asked = {"student_forward": 16e9, "teacher_forward": 140e9, "tokens": 1e12}
        both, student = (distillation_flop(logits=counted, **asked) for counted in (True, False))
        assert both == pytest.approx(1.88e23, rel=1e-6)
        assert student == pytest.approx(4.8e22, rel=1e-6)
        assert both / student == pytest.approx(3.917, rel=1e-3)
        trained = distillation_flop(teacher_tokens=2e12, pretraining=True, **asked)
        assert trained - both == pytest.approx(6 * 70e9 * 2e12)

    def test_all_logits(self) -> None:
        """DI-store-full: 32,168 logits in fp32 are 129 KB a token; 2T tokens about 260 PB."""
        token = logit_bytes(tokens=1, kept=32168, value_bytes=4, index_bytes=0)
        assert token == pytest.approx(129e3, rel=0.02)
        assert token * 2e12 == pytest.approx(260e15, rel=0.02)

    def test_truncated_and_reverse(self) -> None:
        """DI-topk (Fig. 54) and DI-kl (Table 7): nats lost, as the record keeps them."""
        assert BUSBRIDGE.top_k_loss.item() == 0.11
        assert BUSBRIDGE.mixed_top_k_loss.item() == 0.01
        assert BUSBRIDGE.reverse_kl_loss.item() == pytest.approx(2.70 - 2.42, abs=0.005)


def test_some_logits() -> None:
    """DI-logit-store: 256 logits of 2 bytes and 4 of index (Gemma 3, arXiv:2503.19786): 1.536 PB per 1T."""
    assert logit_bytes(tokens=1e12, kept=256) == pytest.approx(1.536e15, rel=1e-6)


def test_bill_of_a_black_box() -> None:
    """DI-api: 1e11 output tokens at 15 USD per million."""
    assert token_revenue_usd(tokens=1e11, usd_per_million=15.0) == pytest.approx(1.5e6, rel=1e-12)


class TestScaleRl:
    """D. Khatri et al., arXiv:2510.13786, Eq. 1 and Fig. 2."""

    def test_middle(self) -> None:
        """RL-scalerl: half of the gain at the middle, for any exponent."""
        for name in ("scalerl", "minimax-rl"):
            law = reward_law(name)
            half = reward(law=law, compute=4e3, middle=4e3, start=0.2)
            assert half.item() == pytest.approx((law.asymptote.item() + 0.2) / 2, rel=1e-12)

    def test_a_decade_on_either_side(self) -> None:
        """RL-scalerl-frac: 98.94 % and 1.06 % of the gain at ten times and a tenth of the middle."""
        law = reward_law("scalerl")
        gained = reward(law=law, compute=np.array([1e5, 1e3]), middle=1e4, start=0.2) - 0.2
        assert (gained / (law.asymptote - 0.2))[0] == pytest.approx([0.98940, 0.01060], abs=1e-4)
        back = compute_for_reward(law=law, reward=gained + 0.2, middle=1e4, start=0.2)
        assert back[0] == pytest.approx([1e5, 1e3], rel=1e-9)

    def test_recipes(self) -> None:
        """RL-scalerl-par: asymptotes and exponents of three recipes."""
        recipes = [reward_law(name) for name in ("scalerl", "minimax-rl", "grpo-rl")]
        assert [law.asymptote.item() for law in recipes] == pytest.approx([0.610, 0.610, 0.490], abs=0.005)
        assert [law.exponent.item() for law in recipes[:2]] == [1.97, 1.77]
        with pytest.raises(InputError, match="grpo-rl' has an asymptote but no exponent; use scalerl"):
            reward(law=recipes[2], compute=1e4, middle=1e4, start=0.2)


class TestCosts:
    def test_deepseek_r1(self) -> None:
        """RL-r1-hours and RL-r1-cost, doi:10.1038/s41586-025-09422-z, supplement: 147K hours, 294K USD.

        Trap 4: 64 x 8 GPUs, which some read as 648.
        """
        accelerators, hours = np.array([64 * 8, 64 * 8, 1.0]), np.array([198.0, 80.0, 5000.0])
        cost = run_usd(usd_per_hour=2.0, accelerators=accelerators, hours=hours)
        assert cost / 2.0 == pytest.approx([101e3, 41e3, 5e3], rel=5e-3)
        assert cost.sum() == pytest.approx(294e3, rel=5e-3)
        misread = run_usd(usd_per_hour=2.0, accelerators=648.0, hours=198.0 + 80.0)
        assert misread > 1.2 * 294e3

    def test_minimax_m1(self) -> None:
        """RL-m1, arXiv:2506.13585: 512 H800 for three weeks, 534,700 USD."""
        cost = run_usd(usd_per_hour=2.07, accelerators=512.0, hours=3 * 7 * 24.0)
        assert cost == pytest.approx(534_700, rel=0.05)

    def test_share_of_generation(self) -> None:
        """RL-share: 2 N a token at 8 % and 6 N at 35 %: 59 % of the time, 25 % of the FLOP (trap 11)."""
        asked = {"generated_flop": 2.0, "trained_flop": 6.0}
        time = generation_share(generation_utilisation=0.08, training_utilisation=0.35, **asked)
        flop = generation_share(generation_utilisation=1.0, training_utilisation=1.0, **asked)
        assert time == pytest.approx(0.593, abs=0.002)
        assert flop == 0.25
