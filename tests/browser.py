# SPDX-License-Identifier: MIT
"""A headless Chromium driven by its DevTools protocol, for tests of pages; skips where there is none."""

import base64
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome-headless-shell")
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--remote-debugging-port=0",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
)
PATIENCE = 30.0


def executable() -> str:
    """The browser's path; ``$CHROMIUM`` comes first."""
    pytest.importorskip("websockets", reason="websockets is needed to talk to the browser")
    for name in (os.environ.get("CHROMIUM", ""), *NAMES):
        found = shutil.which(name) if name else None
        if found:
            return found
    pytest.skip(f"no browser: none of {', '.join(NAMES)} is on the PATH, and CHROMIUM is not set")


class Page:
    """One tab.

    Args:
        socket: to the tab's DevTools.
    """

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self.number = 0
        self.requests: list[str] = []
        self.complaints: list[str] = []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> Any:
        """The result of one DevTools command; events on the way are noted."""
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv(timeout=PATIENCE))
            if message.get("id") == self.number:
                assert "error" not in message, message["error"]
                return message["result"]
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        parameters = message.get("params", {})
        if message["method"] == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif message["method"] == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", details["text"]))
        elif message["method"] == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.complaints.append(
                f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}".strip()
            )

    def size(self, width: int, height: int) -> None:
        """Shape of the window [CSS pixels]; below 500 it is a phone."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )

    def open(self, address: str) -> None:
        """Goes to a page."""
        self.call("Page.navigate", url=address)

    def run(self, script: str) -> Any:
        """Value of a JavaScript expression; promises are awaited."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, condition: str, patience: float = PATIENCE) -> None:
        """Until a JavaScript expression is true."""
        end = time.monotonic() + patience
        while not self.run(f"Boolean({condition})"):
            assert time.monotonic() < end, f"{condition} did not become true; {self.complaints}"
            time.sleep(0.05)

    def text(self, selector: str) -> str:
        """Text of an element."""
        return str(self.run(f"document.querySelector({json.dumps(selector)}).textContent")).strip()

    def place(self, selector: str) -> tuple[float, float, float, float]:
        """Left, top, width and height of an element in the window, scrolled into view."""
        left, top, width, height = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center', behavior: 'instant'});"
            "const r = e.getBoundingClientRect(); return [r.left, r.top, r.width, r.height]; })()"
        )
        return left, top, width, height

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """One event of the mouse: mousePressed, mouseMoved, mouseReleased or mouseWheel."""
        more = {"button": "left", "buttons": 1, "clickCount": 1} | more
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press, move in a few steps, release."""
        self.mouse("mousePressed", *start)
        for step in (0.25, 0.5, 0.75, 1.0):
            self.mouse("mouseMoved", *(a + step * (b - a) for a, b in zip(start, end, strict=True)))
        self.mouse("mouseReleased", *end)

    def click(self, selector: str) -> None:
        """A click in the middle of an element."""
        left, top, width, height = self.place(selector)
        self.mouse("mousePressed", left + width / 2, top + height / 2)
        self.mouse("mouseReleased", left + width / 2, top + height / 2)

    def slide(self, selector: str, share: float) -> None:
        """Drags the knob of a range control from where it is to a share of its length."""
        left, top, width, height = self.place(selector)
        now = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "return (e.value - e.min) / ((e.max - e.min) || 1); })()"
        )
        y, at = top + height / 2, lambda x: left + 8 + x * (width - 16)
        self.drag((at(now), y), (at(share), y))

    def picture(self, path: Path | None = None) -> bytes:
        """What the window shows, as PNG."""
        data = base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
        if path is not None:
            path.write_bytes(data)
        return data


@contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """A tab of a browser of its own, which ends with the block.

    Args:
        folder: for its profile and its log.
    """
    program = executable()
    from websockets.sync.client import connect

    with (folder / "browser.log").open("wb") as log:
        process = subprocess.Popen(
            [program, *OPTIONS, f"--user-data-dir={folder / 'profile'}", "about:blank"],
            stderr=log,
            stdout=log,
            start_new_session=True,
        )
        try:
            with connect(_tab(folder / "profile", process), max_size=None) as socket:
                yield Page(socket)
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the browser with all its processes: the program on the PATH may be a script around it."""
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal_number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)


def _tab(profile: Path, process: subprocess.Popen[bytes]) -> str:
    """Address of the DevTools of the first tab, when the browser is up."""
    end = time.monotonic() + PATIENCE
    known = profile / "DevToolsActivePort"
    while time.monotonic() < end:
        assert process.poll() is None, "the browser ended at its start"
        if known.is_file() and (lines := known.read_text().splitlines()):
            with urlopen(f"http://127.0.0.1:{lines[0]}/json/list") as answer:
                tabs = [tab for tab in json.load(answer) if tab["type"] == "page"]
            if tabs:
                return str(tabs[0]["webSocketDebuggerUrl"])
        time.sleep(0.05)
    raise AssertionError("the browser did not start")
