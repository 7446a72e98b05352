"""Closed forms of queues against published values, recursions and limits."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from planner.model.queueing.formulas import (
    erlang_b,
    erlang_c,
    halfin_whitt,
    kimura_factor,
    mg1_wait_s,
    mgc_wait_s,
    mmc_wait_s,
    regular_share,
)
from planner.model.queueing.normal import normal_cdf, normal_quantile


def erlang_b_by_recursion(servers: int, offered: float) -> float:
    lost = 1.0
    for n in range(1, servers + 1):
        lost = offered * lost / (n + offered * lost)
    return lost


@pytest.mark.parametrize("servers", [1, 2, 5, 30, 300, 5000])
@pytest.mark.parametrize("load", [0.05, 0.5, 0.9, 0.999, 1.0, 1.5, 8.0])
def test_erlang_b_follows_its_recursion(servers: int, load: float) -> None:
    expected = erlang_b_by_recursion(servers, servers * load)
    found = float(erlang_b(servers=np.array(float(servers)), offered=np.array(servers * load)))
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-250)


# Erlang's second formula at a load of 0.8: r; 2 r^2 / (1 + r); and so on by its recursion
@pytest.mark.parametrize(
    ("servers", "waits"), [(1, 0.8), (2, 0.7111), (3, 0.6472), (5, 0.5541), (10, 0.4092), (20, 0.2561)]
)
def test_erlang_c_of_a_few_servers(servers: int, waits: float) -> None:
    found = erlang_c(servers=np.array(float(servers)), offered=np.array(0.8 * servers))
    assert float(found) == pytest.approx(waits, abs=1e-4)


def test_many_servers_approach_halfin_and_whitt() -> None:
    offered = 1e8
    for beta in (0.1, 0.5, 1.0, 2.0):
        servers = offered + beta * math.sqrt(offered)
        exact = float(erlang_c(servers=np.array(servers), offered=np.array(offered)))
        assert exact == pytest.approx(float(halfin_whitt(beta=np.array(beta))), rel=1e-3)


def test_one_server_is_m_m_1_and_m_g_1() -> None:
    rate, service = np.array([0.3, 0.9]), np.array([1.0, 1.0])
    expected = rate / (1.0 - rate)
    assert mmc_wait_s(rate=rate, service_s=service, servers=np.array(1.0)) == pytest.approx(expected)
    assert mg1_wait_s(rate=rate, service_s=service, square_s2=2.0 * service) == pytest.approx(expected)
    assert mg1_wait_s(rate=rate, service_s=service, square_s2=service) == pytest.approx(0.5 * expected)


def test_overload_waits_for_ever() -> None:
    rate, one = np.array([1.0, 2.0]), np.ones(2)
    assert np.isinf(mmc_wait_s(rate=rate, service_s=one, servers=one)).all()
    assert np.isinf(mg1_wait_s(rate=rate, service_s=one, square_s2=one)).all()
    assert erlang_c(servers=one, offered=rate) == pytest.approx(1.0)


def wait_of_m_d_c(servers: int, load: float) -> float:
    """C. D. Crommelin (1932): exact mean wait in units of the service time, summed term by term."""
    from scipy.stats import poisson

    offered = servers * load
    terms = np.arange(1, 4000)
    reached, passed = (
        poisson.sf(terms * servers - 1, terms * offered),
        poisson.sf(terms * servers, terms * offered),
    )
    return float((reached - passed / load).sum())


@pytest.mark.parametrize("servers", [1, 2, 10, 50])
@pytest.mark.parametrize("load", [0.5, 0.8, 0.95])
def test_regular_service_waits_as_crommelin_says(servers: int, load: float) -> None:
    share, servers_ = (
        regular_share(servers=np.array(float(servers)), load=np.array(load)),
        np.array(float(servers)),
    )
    found = share * mmc_wait_s(rate=np.array(servers * load), service_s=np.array(1.0), servers=servers_)
    assert float(found) == pytest.approx(wait_of_m_d_c(servers, load), rel=0.1)


def test_kimura_joins_regular_and_exponential_service() -> None:
    servers, load = np.array([1.0, 8.0, 200.0]), np.array([0.9, 0.7, 0.95])
    at = {s: kimura_factor(square=np.array(s), servers=servers, load=load) for s in (0.0, 1.0)}
    assert at[0.0] == pytest.approx(regular_share(servers=servers, load=load))
    assert at[1.0] == pytest.approx(1.0)
    one = kimura_factor(square=np.array(4.0), servers=np.array(1.0), load=np.array(0.5))
    assert one == pytest.approx(2.5)  # Pollaczek and Khinchine: (1 + 4) / 2


def test_even_arrivals_wait_less() -> None:
    case = {"rate": np.array(2.4), "service_s": np.array(1.0), "servers": np.array(3.0)}
    waits = [float(mgc_wait_s(**case, service_cv=np.array(1.0), arrival_cv=cv)) for cv in (0.0, 1.0, 2.0)]
    assert waits[1] == pytest.approx(0.6472 / 0.6, rel=1e-3)
    assert waits[0] == pytest.approx(waits[1] / 2.0)
    assert waits[2] == pytest.approx(waits[1] * 2.5)


def test_normal_law_agrees_with_the_standard_library() -> None:
    exact = NormalDist()
    z = np.linspace(-8.0, 8.0, 65)
    assert normal_cdf(z) == pytest.approx([exact.cdf(x) for x in z], rel=3e-7)
    p = np.array([1e-9, 1e-4, 0.02, 0.03, 0.5, 0.9, 0.99, 0.99999])
    assert normal_quantile(p) == pytest.approx([exact.inv_cdf(x) for x in p], rel=1e-7, abs=1e-9)
    assert normal_quantile(np.array([0.0, 1.0])).tolist() == [-math.inf, math.inf]
