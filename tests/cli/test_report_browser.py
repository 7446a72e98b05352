"""Reports open in a real browser: nothing leaves it, nothing is amiss, everything is visible."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest

import planner

FLAGS: Final = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=http://127.0.0.1:9",
)  # fmt: skip
"""The browser can reach nothing: no name is found, and its proxy is a closed port."""
WIDTHS: Final = (1280, 390)
SHOWN: Final = """() => [...document.querySelectorAll('figure')].map(figure => {
    const svg = figure.querySelector('svg'), box = svg.getBoundingClientRect();
    const bars = [...svg.querySelectorAll('path')].filter(path => {
        const inner = path.getBoundingClientRect();
        return inner.width > 1 && inner.height > 1;
    });
    return {
        width: box.width, height: box.height, drawn: bars.length, role: svg.getAttribute('role'),
        named: svg.getAttribute('aria-labelledby').split(' ').every(id => document.getElementById(id)),
    };
})"""
OVERFLOW: Final = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
TWICE: Final = """() => {
    const ids = [...document.querySelectorAll('[id]')].map(one => one.id);
    return ids.filter((id, place) => ids.indexOf(id) !== place);
}"""


def _path() -> str | None:
    names = (os.environ.get("PLANNER_BROWSER"), "chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if name and (found := shutil.which(name))), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start the installed browser; where there is none the tests are skipped, and fail in CI."""
    missing = None
    path = _path()
    if path is None:
        missing = "no chromium is installed in which reports could be opened; apt-get install chromium"
    elif find_spec("playwright") is None:
        missing = "playwright is not installed; it is in the group of tests"
    if missing and (os.environ.get("CI") or os.environ.get("PLANNER_BROWSER")):
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)
    from playwright import sync_api as playwright

    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, headless=False, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture(scope="module", params=["colossus-2-show", "nothing-fits", "curves"])
def page_file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a report of a fact sheet, of what is not feasible, of a plan with curves around it."""
    train = {"gpu": "h100-sxm", "gpus": 8, "tokens": "1T"}
    models = {"nothing-fits": "llama-3.1-405b", "curves": "llama-3.1-8b"}
    what: Any = request.param
    if what in models:
        what = {"command": "train", "inputs": {"model": models[what], **train}}
    path = tmp_path_factory.mktemp("report") / "report.html"
    planner.report(what, output=path)
    return path


def test_a_report_opens_offline_and_is_whole(browser: Any, page_file: Path) -> None:
    page = browser.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(page_file.as_uri(), wait_until="load")
        assert page.evaluate(OVERFLOW) <= 0, f"wider than {width} pixels"
        for figure in page.evaluate(SHOWN):
            assert figure["width"] > 250
            assert figure["height"] > 60
            assert figure["drawn"] > 2, "an empty picture: a paper, axes, and nothing on them"
            assert figure["role"] == "img"
            assert figure["named"]
    assert page.locator("h1").inner_text()
    assert page.locator(".sentence").is_visible()
    assert page.evaluate(TWICE) == [], "two elements share an id"
    assert page.evaluate("() => document.scripts.length") == 0
    assert said == [], "the console is silent"
    assert {url for url in asked if not url.startswith("data:")} == {page_file.as_uri()}
    page.close()


def test_what_the_policy_forbids_is_forbidden(browser: Any, page_file: Path) -> None:
    """The page itself refuses scripts and addresses: were one written into it, nothing would happen."""
    text = page_file.read_text(encoding="utf-8")
    bad = page_file.with_name("bad.html")
    picture = '<img src="https://example.invalid/a.png"><script>document.title = "run"</script>'
    bad.write_text(text.replace("</footer>", f"{picture}</footer>"), encoding="utf-8")
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(bad.as_uri(), wait_until="load")
    assert page.title() != "run"
    assert any("Content Security Policy" in text for text in said)
    page.close()
