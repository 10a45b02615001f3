# SPDX-License-Identifier: MIT
"""The report in a real browser: nothing is fetched, nothing sticks out on a phone, it prints well."""

import base64
import re
from pathlib import Path

import pytest

from postprocess.pages.report import build_report
from tests.browser import browser
from tests.synthetic_result import result_folder

pytestmark = pytest.mark.serial

STICKING_OUT = (
    "[...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll, .holder, pre, iframe') &&"
    " e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + '.' + e.className)"
)
BROKEN = "[...document.images].filter(i => !i.complete || i.naturalWidth === 0).length"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_report(result_folder(tmp_path_factory.mktemp("report"), "axisymmetric", layers=4))


def test_report_on_screen_phone_and_paper(report: Path, tmp_path: Path) -> None:
    with browser(tmp_path) as page:
        for width in (390, 1280):
            page.size(width, 844)
            page.open(report.as_uri())
            page.wait("document.readyState === 'complete' && document.images.length > 8")
            assert page.run(STICKING_OUT) == []
            assert page.run("document.documentElement.scrollWidth") <= width
            assert page.run(BROKEN) == 0
            assert page.run("document.querySelector('.answer').getBoundingClientRect().bottom") < 844
            assert page.run("parseFloat(getComputedStyle(document.body).fontSize)") >= 15
        outside = [url for url in page.requests if not url.startswith(("file:", "data:", "about:", "blob:"))]
        assert outside == []
        assert page.complaints == []
        page.call("Emulation.setEmulatedMedia", media="print")
        hidden = (
            "['iframe', 'nav'].every(s => getComputedStyle(document.querySelector(s)).display === 'none')"
        )
        assert page.run(hidden)
        printed = base64.b64decode(page.call("Page.printToPDF", printBackground=True)["data"])
        assert 3 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 14


def test_links_of_the_page_lead_somewhere(report: Path, tmp_path: Path) -> None:
    with browser(tmp_path) as page:
        page.open(report.as_uri())
        page.wait("document.readyState === 'complete'")
        targets = "[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))"
        assert page.run(f"{targets}.filter(href => !document.querySelector(href))") == []
        assert page.run("document.querySelectorAll('nav a').length") >= 6
