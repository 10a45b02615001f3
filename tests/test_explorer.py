# SPDX-License-Identifier: MIT
"""The explorer on localhost: in a real browser, sliders moved and figures read; and who is answered."""

import json
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from postprocess.results.ablation import ablation
from postprocess.results.quantities import volume_text
from postprocess.results.result import Result, open_result
from tests.browser import Page, browser
from tests.synthetic_result import result_folder

pytest.importorskip("trame", reason="trame is needed for the explorer")

pytestmark = pytest.mark.serial

GEOMETRIES = ("3d", "axisymmetric", "radial")
HOSTILE = "{{ 7*7 }}<b id='owned'>x</b></h2><script>window.owned = 1</script>"
"""A title that would be code and markup in a page made of it."""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[Result]:
    root = tmp_path_factory.mktemp("explorer")
    folders = [result_folder(root / name, name, layers=5) for name in GEOMETRIES]
    summary = json.loads((folders[2] / "summary.json").read_text())
    summary["case"]["title"] = HOSTILE
    (folders[2] / "summary.json").write_text(json.dumps(summary))
    return [open_result(folder) for folder in folders]


@pytest.fixture(scope="module")
def address(results: list[Result]) -> Iterator[str]:
    """An explorer of three results side by side, in a process of its own."""
    command = [sys.executable, "-m", "cases.cli", "view", "--no-browser", *(str(r.folder) for r in results)]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[1], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if "explorer: " in line:
                yield line.split("explorer: ")[1].strip()
                break
        else:
            pytest.fail("the explorer did not start")
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope="module")
def page(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("browser")) as page:
        page.size(1400, 800)
        page.open(address)
        page.wait("document.querySelector('#figures-2 .ablated')")
        page.wait("document.querySelectorAll('.picture canvas').length === 3")
        yield page


def figures(page: Page, number: int) -> dict[str, str]:
    keys = ("ablated", "in_tumour", "coverage", "untreated", "outside", "time")
    return {key: page.text(f"#figures-{number} .{key}") for key in keys}


def drag(page: Page, name: str, share: float) -> None:
    """The knob of a slider to a share of its length."""
    left, top, width, height = page.place(f".slider-{name} .v-slider-thumb")
    start = (left + width / 2, top + height / 2)
    left, _, width, _ = page.place(f".slider-{name} .v-slider-track")
    page.drag(start, (left + share * width, start[1]))


def agree(page: Page, results: list[Result], time: float, threshold: float) -> None:
    """Every result's figures are those of its clipped mesh, to the digits shown."""
    for number, result in enumerate(results):
        expected = ablation(result.grid(time), result.geometry, "ct_dose", threshold)
        text = volume_text(expected.volume)
        page.wait(f"document.querySelector('#figures-{number} .ablated').textContent.trim() === '{text}'")
        assert figures(page, number)["in_tumour"] == volume_text(expected.in_tumour)


def test_figures_follow_the_sliders(page: Page, results: list[Result]) -> None:
    agree(page, results, 212.0, 4.5)
    page.click(".level:nth-of-type(3)")
    agree(page, results, 212.0, 9.0)
    drag(page, "time", 1 / 3)
    page.wait("document.querySelector('.time_text').textContent === '30 s'")
    agree(page, results, 30.0, 9.0)
    drag(page, "time", 0.0)
    page.wait("document.querySelector('#figures-0 .ablated').textContent === '0 mL'")
    assert figures(page, 0)["coverage"] == "0 %"
    drag(page, "time", 1.0)
    agree(page, results, 212.0, 9.0)
    drag(page, "step", 0.0)
    page.wait("document.querySelector('.threshold_text').textContent.startsWith('5.0')")
    page.wait("parseFloat(document.querySelector('#figures-0 .ablated').textContent) > 2.7")


def test_layers_and_cut_change_the_pictures(page: Page) -> None:
    def settled() -> bytes:
        """What is seen once the answer has come and nothing moves any more."""
        last, same = page.picture(), 0
        while same < 4:
            page.run("new Promise(done => setTimeout(done, 120))")
            now = page.picture()
            same = same + 1 if now == last else 0
            last = now
        return last

    seen = [settled()]
    for layer in ("tumour", "escaped"):
        page.click(f".layer-{layer} input")
        seen.append(settled())
    page.click(".cut .v-field")
    page.wait("document.querySelectorAll('.v-list-item').length === 5")
    page.run("new Promise(done => setTimeout(done, 500))")
    page.run(
        "[...document.querySelectorAll('.v-list-item')]"
        ".find(item => item.textContent.includes('needle')).id = 'beside'"
    )
    page.click("#beside")
    page.wait("document.querySelector('.slider-depth').checkVisibility()")
    seen.append(settled())
    drag(page, "depth", 0.8)
    seen.append(settled())
    assert len(set(seen)) == len(seen)


def test_nothing_comes_from_elsewhere(page: Page, address: str) -> None:
    host = urlsplit(address).netloc
    assert {urlsplit(url).netloc for url in page.requests if not url.startswith("data:")} == {host}


def test_titles_are_text(page: Page) -> None:
    assert page.run("document.querySelectorAll('h2')[2].textContent") == HOSTILE
    assert page.run("document.querySelector('#owned')") is None and page.run("window.owned") is None


def test_a_phone_sees_one_below_the_other(page: Page) -> None:
    page.size(390, 844)
    try:
        assert page.run("document.documentElement.scrollWidth") <= 390
        _, _, width, height = page.place("#figures-1")
        assert 0 < width <= 390 and height > 0
    finally:
        page.size(1400, 800)


def answer(address: str, path: str, **headers: str) -> int:
    connection = HTTPConnection(urlsplit(address).netloc, timeout=10)
    connection.putrequest("GET", path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    return connection.getresponse().status


UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec_WebSocket_Version": "13",
    "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def test_other_sites_are_refused(address: str) -> None:
    """A page from elsewhere names its origin; one that had this address renamed names another host."""
    own = f"http://{urlsplit(address).netloc}"
    assert answer(address, "/index.html") == 200
    assert answer(address, "/ws", Origin=own, **UPGRADE) == 101
    assert answer(address, "/ws", Origin="http://evil.example", **UPGRADE) == 403
    assert answer(address, "/ws", Origin="null", **UPGRADE) == 403
    assert answer(address, "/index.html", Host="evil.example") == 403


def test_only_this_machine_is_served(address: str) -> None:
    port = urlsplit(address).port
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    places = {
        row[1].split(":")[0] for row in listening if row[3] == "0A" and int(row[1].split(":")[1], 16) == port
    }
    assert places == {"0100007F"}


def test_a_wrong_key_shows_nothing(address: str, tmp_path: Path) -> None:
    with browser(tmp_path) as page:
        page.open(address.split("?")[0] + "?secret=guess")
        page.run("new Promise(done => setTimeout(done, 2500))")
        assert page.run("document.querySelector('#figures-0')") is None
