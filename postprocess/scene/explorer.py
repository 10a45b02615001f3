# SPDX-License-Identifier: MIT
"""An explorer of results in the browser, served on this machine alone (by trame, drawn by vtk.js)."""

import secrets
import webbrowser
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pyvista as pv
from aiohttp import web
from trame.app import get_server
from trame.ui.vuetify3 import VAppLayout
from trame.widgets import client, html, vtk
from trame.widgets import vuetify3 as v

from postprocess.figures.style import (
    ABLATED_COLOUR,
    ESCAPED_COLOUR,
    NEEDLE_COLOUR,
    TUMOUR_COLOUR,
    choose_off_screen_window,
)
from postprocess.figures.vasculature import LAYERS as ADDITIONS
from postprocess.results.quantities import DISPLAY, duration_text, percent, significant, volume_text
from postprocess.results.result import MEASURES, Result
from postprocess.scene.shown import Shown
from solver.results.fields import FIELDS

HOST: Final = "127.0.0.1"
STEPS: Final = 1000
LAYERS: Final = (
    ("hit", "ablated in the tumour", ABLATED_COLOUR, 1.0),
    ("escaped", "ablated outside it", ESCAPED_COLOUR, 1.0),
    ("needles", "needles", NEEDLE_COLOUR, 1.0),
    *ADDITIONS,
    ("tumour", "tumour", TUMOUR_COLOUR, 0.3),
)
CUTS: Final = {
    "none": "not cut",
    "needle": "beside the needle",
    "x": "from x (right)",
    "y": "from y (front)",
    "z": "from z (head)",
}
LOOK: Final = """
.explorer { display: grid; grid-template-columns: 1fr 22rem; height: 100%; }
.explorer .views { display: grid; grid-auto-flow: column; grid-auto-columns: 1fr; min-width: 0; }
.explorer .one { display: flex; flex-direction: column; border-right: 1px solid #dfe5ea; min-width: 0; }
.explorer .picture { flex: 1; min-height: 0; position: relative; }
.explorer h2 { font-size: 1rem; padding: .5rem .8rem 0; }
.explorer .numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(7.2rem, 1fr));
  gap: .3rem .8rem; padding: .4rem .8rem .6rem; }
.explorer .numbers b { display: block; font-size: 1.1rem; font-variant-numeric: tabular-nums; }
.explorer .numbers span, .explorer .muted { color: #5b6a77; font-size: .85rem; }
.explorer .panel { padding: 1rem; overflow-y: auto; }
.explorer .panel label { font-weight: 600; }
@media (max-width: 46rem) {
  .explorer { display: block; height: auto; }
  .explorer .views { grid-auto-flow: row; }
  .explorer .picture { height: 50vh; flex: none; }
}
"""


class Explorer:
    """One page for several results.

    Args:
        results: shown side by side.
    """

    def __init__(self, results: list[Result]) -> None:
        choose_off_screen_window()
        self.secret = secrets.token_urlsafe(24)
        self.server = get_server(f"infusate-{self.secret[:6]}", client_type="vue3")
        self.server.cli.set_defaults(authKey=self.secret)
        self.shown = [Shown(result) for result in results]
        self.times = sorted({time for result in results for time in result.times})
        self.stages = [_Stage(shown) for shown in self.shown]
        self._set_start()
        self._build()
        self.server.state.change("time", "step", "measure", "cut", "depth", "layers")(self._change)
        self.server.controller.on_server_bind.add(_guard)

    def range(self, measure: str) -> tuple[float, float]:
        """Lowest and highest threshold that the slider reaches [SI]."""
        low = min(shown.lowest[measure] for shown in self.shown)
        return low, max(*(shown.largest[measure] for shown in self.shown), 4.0 * low)

    def threshold(self) -> float:
        """What the slider stands at [SI]; exactly a threshold of the cases where it was put there."""
        state = self.server.state
        low, high = self.range(state.measure)
        value = float(low * (high / low) ** (state.step / STEPS))
        known = [entry["threshold"] for entry in state.levels if entry["measure"] == state.measure]
        near = min(known, key=lambda level: abs(np.log(level / value)), default=value)
        return near if abs(self._step(state.measure, near) - state.step) < 0.5 else value

    def _step(self, measure: str, threshold: float) -> float:
        low, high = self.range(measure)
        return float(STEPS * np.log(threshold / low) / np.log(high / low))

    def _set_start(self) -> None:
        state = self.server.state
        state.trame__title = "Infusate"
        # as values, which Vue shows as text; in the page itself they would be markup and code
        state.titles = [shown.result.summary["case"]["title"] for shown in self.shown]
        state.notice = self.shown[0].result.summary["notice"]
        levels = {
            (entry["measure"], entry["threshold"]): entry["label"]
            for shown in self.shown
            for entry in shown.result.summary["ablation"]
        }
        state.levels = [
            {"measure": measure, "threshold": threshold, "label": label}
            for (measure, threshold), label in sorted(levels.items())
        ]
        state.measure = state.levels[0]["measure"] if state.levels else "ct"
        known = [entry["threshold"] for entry in state.levels if entry["measure"] == state.measure]
        middle = known[len(known) // 2] if known else self.range(state.measure)[0] * 10
        state.step = round(self._step(state.measure, middle))
        state.time = len(self.times) - 1
        state.cut, state.depth = "none", 0.5
        state.layers = [name for name, *_ in LAYERS]
        state.figures = [{} for _ in self.shown]
        self._change()

    def _change(self, **_: Any) -> None:
        state = self.server.state
        threshold, time = self.threshold(), self.times[int(state.time)]
        factor, unit = DISPLAY[FIELDS[MEASURES[state.measure]].unit]
        state.threshold_text = f"{significant(factor * threshold)} {unit}"
        state.time_text = duration_text(time)
        figures = []
        for shown, stage in zip(self.shown, self.stages, strict=True):
            found = shown.figures(time, state.measure, threshold)
            figures.append(
                {
                    "ablated": volume_text(found.in_tumour + found.outside),
                    "in_tumour": volume_text(found.in_tumour),
                    "coverage": percent(found.in_tumour / found.tumour),
                    "untreated": volume_text(max(found.tumour - found.in_tumour, 0.0)),
                    "outside": volume_text(found.outside),
                    "time": duration_text(shown.result.nearest_time(time)),
                }
            )
            cut = shown.cut(state.cut, float(state.depth))
            surfaces = shown.surfaces(time, state.measure, threshold, cut)
            stage.draw(surfaces | shown.beside(cut), state.layers)
        state.figures = figures

    def choose(self, measure: str, threshold: float) -> None:
        """Puts the slider on a threshold."""
        state = self.server.state
        state.measure = measure
        state.step = round(self._step(measure, threshold))

    def _build(self) -> None:
        with VAppLayout(self.server) as layout, v.VMain(style="height: 100vh"):
            client.Style(LOOK)
            with html.Div(classes="explorer"):
                with html.Div(classes="views"):
                    for number, stage in enumerate(self.stages):
                        with html.Div(classes="one"):
                            html.H2(f"{{{{ titles[{number}] }}}}")
                            with html.Div(classes="picture"):
                                stage.show()
                            _figures(number, bool(self.server.state.levels))
                with html.Div(classes="panel"):
                    self._controls()
        self.layout = layout

    def _controls(self) -> None:
        html.P("Drag to turn, wheel to zoom, shift and drag to move.", classes="muted")
        _slider("time", "Time", "time_text", (0, len(self.times) - 1, 1))
        _slider("step", "Threshold", "threshold_text", (0, STEPS, 1))
        with html.Div(classes="mb-4"):
            v.VBtn(
                "{{ level.measure === 'ct' ? 'CT' : 'peak' }} {{ level.label }}",
                v_for="level in levels",
                key="level.measure + level.threshold",
                size="small",
                variant="outlined",
                classes="mr-2 mb-1 text-none level",
                click=(self.choose, "[level.measure, level.threshold]"),
            )
        v.VSelect(
            v_model=("cut",),
            items=("cuts", [{"title": words, "value": name} for name, words in CUTS.items()]),
            label="Cut open",
            density="compact",
            hide_details=True,
            classes="mb-3 cut",
        )
        with html.Div(v_show="cut !== 'none'"):
            _slider("depth", "Depth", None, (0, 1, 0.01))
        beside = {name for shown in self.shown for name in shown.additions}
        for name, words, colour, _ in LAYERS:
            if name in {layer[0] for layer in ADDITIONS} - beside:
                continue
            v.VCheckbox(
                v_model=("layers",),
                value=name,
                label=words if self.server.state.levels else words.replace("ablated", "above the dose"),
                color=colour,
                base_color=colour,
                density="compact",
                hide_details=True,
                classes=f"layer-{name}",
            )
        v.VBtn("Reset view", click=self._reset, size="small", variant="outlined", classes="mt-3 text-none")
        html.P("{{ notice }}", classes="muted mt-4")

    def _reset(self) -> None:
        for stage in self.stages:
            stage.look()

    def serve(self, port: int, open_browser: bool) -> None:
        """Until it is stopped; says where.

        Args:
            port: on 127.0.0.1; 0 for a free one.
            open_browser: whether to show the page.
        """
        self.server.controller.on_server_ready.add(lambda **_: self._announce(open_browser))
        self.server.start(port=port, host=HOST, open_browser=False, show_connection_info=False, timeout=0)

    def _announce(self, open_browser: bool) -> None:
        address = f"http://{HOST}:{self.server.port}/index.html?secret={self.secret}"
        print(
            f"explorer: {address}\nOnly this machine can open it, with this key. Stop with Ctrl+C.",
            flush=True,
        )
        if open_browser:
            webbrowser.open(address)


class _Stage:
    """The picture of one result."""

    def __init__(self, shown: Shown) -> None:
        self.shown = shown
        self.plotter = pv.Plotter(off_screen=True, lighting="none")
        self.plotter.add_light(pv.Light(light_type="headlight", intensity=1.0))
        self.plotter.background_color = "white"
        needles = pv.merge(shown.needles()) if shown.result.needles else pv.PolyData()
        self.meshes = {name: needles if name == "needles" else pv.PolyData() for name, *_ in LAYERS}
        self.actors: dict[str, Any] = {}
        self.view: Any = None
        self.look()

    def draw(self, surfaces: dict[str, pv.PolyData], layers: list[str]) -> None:
        """Puts surfaces into the picture, as far as their layers are shown."""
        for name, _, colour, opacity in LAYERS:
            mesh = surfaces.get(name, self.meshes[name])
            if self.actors.get(name) is not None:
                self.plotter.remove_actor(self.actors.pop(name), render=False)
            if name in layers and mesh.n_cells:
                smooth = mesh.compute_normals(cell_normals=False, split_vertices=True, feature_angle=75.0)
                look = {"color": colour, "opacity": opacity, "ambient": 0.3, "diffuse": 0.75, "specular": 0.1}
                self.actors[name] = self.plotter.add_mesh(
                    smooth, smooth_shading=True, render=False, reset_camera=False, **look
                )
        if self.view is not None:
            self.view.update()

    def look(self) -> None:
        """Looks at the scene from beside the first needle."""
        centre, towards, up = self.shown.view()
        eye = towards + 0.35 * up
        camera = self.plotter.camera
        camera.focal_point = tuple(centre)
        camera.position = tuple(centre + 6 * self.shown.size * eye / np.linalg.norm(eye))
        camera.up = tuple(up)
        camera.parallel_projection = True
        camera.parallel_scale = 1.6 * self.shown.size
        camera.clipping_range = (0.1 * self.shown.size, 40 * self.shown.size)
        if self.view is not None:
            self.view.push_camera()

    def show(self) -> None:
        """Adds the picture to the page that is being built."""
        self.view = vtk.VtkLocalView(self.plotter.render_window)


def _slider(name: str, words: str, text: str | None, bounds: tuple[float, float, float]) -> None:
    with html.Div(classes="mb-1"):
        html.Label(words)
        if text is not None:
            html.Span(f"{{{{ {text} }}}}", classes=f"ml-2 {text}")
        low, high, step = bounds
        v.VSlider(
            v_model_number=(name,),
            min=low,
            max=high,
            step=step,
            density="compact",
            hide_details=True,
            color="#0072b2",
            classes=f"slider-{name}",
        )


def _figures(number: int, known: bool) -> None:
    words = {
        "ablated": "destroyed in all" if known else "above in all",
        "in_tumour": "in the tumour",
        "coverage": "of the tumour",
        "untreated": "tumour missed" if known else "tumour below",
        "outside": "outside it",
        "time": "stored time",
    }
    with html.Div(classes="numbers", id=f"figures-{number}"):
        for key, text in words.items():
            with html.Div():
                html.Span(text)
                html.B(f"{{{{ figures[{number}].{key} }}}}", classes=key)


def _guard(bound: Any) -> None:
    """Answers only pages that came from this server: no other site, and no other name for this address."""

    @web.middleware
    async def check(request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
        port = request.url.port
        hosts = {f"{HOST}:{port}", f"localhost:{port}"}
        origin = request.headers.get("Origin")
        if request.host not in hosts or (origin and origin not in {f"http://{host}" for host in hosts}):
            raise web.HTTPForbidden(text="this explorer answers its own page only")
        response: web.StreamResponse = await handler(request)
        return response

    bound.app.middlewares.append(check)


def serve(results: list[Result], port: int, open_browser: bool) -> None:
    """Serves an explorer of results until it is stopped.

    Args:
        results: shown side by side; at least one.
        port: on 127.0.0.1; 0 for a free one.
        open_browser: whether to show the page.
    """
    Explorer(results).serve(port, open_browser)
