// SPDX-License-Identifier: MIT
// The page: controls, numbers, and the hand that turns the scene.

const element = (id) => document.getElementById(id);

function significant(value) {
  if (value === 0) return "0";
  const power = Number(value.toExponential(2).split("e")[1]);
  return power >= -4 && power < 5 ? Number(value.toPrecision(3)).toFixed(Math.max(2 - power, 0)) : value.toExponential(2);
}

// A volume [m3] or a time [s] as in the report.
const volumeText = (value) => Math.abs(value) >= 1e-8 ? `${significant(value * 1e6)} mL`
  : Math.abs(value) > 1e-15 ? `${significant(value * 1e9)} µL` : "0 mL";

function timeText(seconds) {
  const [scale, unit] = seconds >= 172800 ? [86400, "d"] : seconds >= 7200 ? [3600, "h"] : seconds >= 600 ? [60, "min"] : [1, "s"];
  return `${Number((seconds / scale).toPrecision(3))} ${unit}`;
}

class Scene {
  constructor(data) {
    this.data = data;
    this.state = { measure: Object.keys(data.measures)[0], time: data.times.length - 1, threshold: 0, cut: 0 };
    this.dimension = { radial: 1, axisymmetric: 2, "3d": 3 }[data.geometry];
    const { centre } = data.view;
    this.centre = { 1: [0], 2: [0, centre[2]], 3: centre }[this.dimension];
    this.shift = this.dimension === 3 ? centre : [0, 0, this.dimension === 2 ? centre[2] : 0];
    this.values = {};
    this.painter = new Painter(element("picture"));
    this.surfaces = {};
  }

  async open() {
    const { data, dimension, centre, painter } = this;
    this.mesh = new Mesh(await unpackPoints(data.points, centre), await unpackCells(data.cells), dimension);
    for (const name of ["tumour", "organ"]) {
      const points = await unpackPoints(data[name].points, centre), facets = await unpackCells(data[name].cells);
      this.surfaces[name] = painter.load(smooth(points, facets, dimension));
      if (name === "tumour") this.radius = Math.max(extent(points), extent(this.mesh.points), 1);
    }
    for (const [name, { points, cells }] of Object.entries(data.additions))
      this.surfaces[name] = painter.load(
        shell(await unpackPoints(points, this.shift), await unpackCells(cells), await unpack(cells.turned)));
    this.surfaces.needles = painter.load(joined(data.needles.map((needle) => needleShape(needle, this.shift))));
    this.lookFromStart();
    this.listen();
    const known = this.measure.summary.map((entry) => entry.threshold).sort((a, b) => a - b);
    await this.choose({ threshold: known.length ? known[Math.floor(known.length / 2)] : this.measure.low * 10 });
  }

  get measure() { return this.data.measures[this.state.measure]; }

  // Change what is shown; what is not named stays.
  async choose(change) {
    Object.assign(this.state, change);
    const { measure, time } = this.state, key = `${measure} ${time}`;
    if (this.key !== key) {
      this.values[key] ??= await unpackValues(this.measure.values[time], this.measure);
      if (this.state.measure !== measure || this.state.time !== time) return; // moved on meanwhile
      this.key = key;
    }
    this.cutOut();
    this.say();
    this.paint();
  }

  cutOut() {
    const { mesh, state, data } = this, { inside, count } = data.cells;
    const found = mesh.zones(this.values[this.key], state.threshold, [[0, inside], [inside, count]]);
    ["hit", "escaped"].forEach((name, i) => {
      this.surfaces[name] = this.painter.load(inSpace(found[i], this.dimension), this.surfaces[name]);
    });
    [this.inTumour, this.outside] = found.map(({ volume }) => volume * 1e-9);
  }

  say() {
    const { data, measure, state } = this, time = data.times[state.time];
    const missed = Math.max(data.tumour_volume - this.inTumour, 0);
    element("ablated").textContent = volumeText(this.inTumour + this.outside);
    element("in-tumour").textContent = volumeText(this.inTumour);
    element("coverage").textContent = `${significant(100 * this.inTumour / data.tumour_volume)} %`;
    element("untreated").textContent = volumeText(missed);
    element("outside").textContent = volumeText(this.outside);
    element("time-text").textContent = timeText(time) + (time <= data.injection_end * (1 + 1e-9) ? ", while agent flows in" : "");
    element("threshold-text").textContent = `${significant(measure.factor * state.threshold)} ${measure.display}`;
    element("time").value = state.time;
    element("threshold").value = Math.round(1000 * Math.log(state.threshold / measure.low) / Math.log(measure.high / measure.low));
    for (const button of document.querySelectorAll("#levels button"))
      button.setAttribute("aria-pressed", Math.abs(button.dataset.threshold / state.threshold - 1) < 1e-6);
    const entry = state.time === data.times.length - 1
      && measure.summary.find((known) => Math.abs(known.threshold / state.threshold - 1) < 1e-6);
    element("summary").textContent = entry
      ? `The run's own figures (summary.json): ${volumeText(entry.volume_m3)} in all, ${volumeText(entry.in_tumour_m3)} in the tumour.`
      : "Computed here from the stored fields; summary.json has figures for the marked thresholds at the end of the run.";
  }

  paint() {
    this.asked ||= requestAnimationFrame(() => {
      this.asked = 0;
      const shown = (name) => element(`show-${name}`).checked && this.surfaces[name]?.count;
      const layers = LAYERS.filter(({ name }) => shown(name)).map(({ name, colour, opacity }) => (
        { surface: this.surfaces[name], colour: rgb(colour), opacity, whole: ["needles", "holes", "track"].includes(name) }));
      const { cut } = this.state, [right, up, towards] = this.camera.axes;
      if (!cut) this.normal = towards;
      const middle = this.camera.middle;
      this.painter.paint(layers, { ...this.camera, plane: cut ? [...this.normal, this.radius * (1 - 2 * cut)] : null });
      this.sayScale();
      if (this.data.view.patient) this.sayDirections(right, up);
    });
  }

  sayDirections(right, up) {
    ["R", "A", "S"].forEach((name, axis) => {
      const place = (id, x, y, length) => {
        element(`${id}-${name}`).setAttribute(x, length * right[axis]);
        element(`${id}-${name}`).setAttribute(y, -length * up[axis]);
      };
      place("line", "x2", "y2", 18);
      place("axis", "x", "y", 25);
    });
  }

  sayScale() {
    const canvas = element("picture"), pixel = this.camera.height / canvas.clientHeight;
    const length = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100].filter((n) => n <= 0.25 * canvas.clientWidth * pixel).pop() || 0.1;
    element("scale").style.width = `${length / pixel}px`;
    element("scale").textContent = `${length} mm`;
  }

  lookFromStart() {
    this.camera = { axes: this.data.view.axes.map((axis) => [...axis]), middle: [0, 0, 0], height: 3 * this.radius };
  }

  // Turn about the screen's axes by so many radians.
  turn(across, upwards) {
    const rotate = (a, b, angle) => [
      a.map((x, i) => Math.cos(angle) * x + Math.sin(angle) * b[i]), b.map((x, i) => Math.cos(angle) * x - Math.sin(angle) * a[i])];
    let [right, up, towards] = this.camera.axes;
    [right, towards] = rotate(right, towards, across);
    [up, towards] = rotate(up, towards, -upwards);
    right = unit(minus(right, towards.map((x) => x * dot(right, towards))));
    this.camera.axes = [right, cross(towards, right), unit(towards)];
    this.paint();
  }

  move(across, upwards) {
    const pixel = this.camera.height / element("picture").clientHeight, [right, up] = this.camera.axes;
    this.camera.middle = this.camera.middle.map((x, i) => x - pixel * (across * right[i] + upwards * up[i]));
    this.paint();
  }

  zoom(factor) {
    this.camera.height = Math.min(Math.max(this.camera.height * factor, 0.2 * this.radius), 20 * this.radius);
    this.paint();
  }

  listen() {
    const { data } = this;
    element("time").max = data.times.length - 1;
    element("time").oninput = (event) => this.choose({ time: Number(event.target.value) });
    element("threshold").oninput = ({ target }) => {
      const { low, high } = this.measure;
      this.choose({ threshold: low * (high / low) ** (target.value / 1000) });
    };
    element("levels").onclick = ({ target: { dataset } }) =>
      dataset.threshold && this.choose({ measure: dataset.measure, threshold: Number(dataset.threshold) });
    element("cut").oninput = ({ target }) => { this.state.cut = Number(target.value) / 100; this.paint(); };
    element("layers").onchange = () => this.paint();
    element("reset").onclick = () => { this.lookFromStart(); this.paint(); };
    element("play").onclick = () => this.play();
    new ResizeObserver(() => this.paint()).observe(element("picture"));
    this.listenToHand(element("picture"));
  }

  play() {
    if (this.timer) { clearInterval(this.timer); this.timer = 0; }
    else {
      if (this.state.time === this.data.times.length - 1) this.choose({ time: 0 });
      this.timer = setInterval(() => {
        if (this.state.time >= this.data.times.length - 1) this.play();
        else this.choose({ time: this.state.time + 1 });
      }, 500);
    }
    element("play").textContent = this.timer ? "Pause" : "Play";
  }

  listenToHand(canvas) {
    const fingers = new Map();
    const spread = () => { const [a, b] = [...fingers.values()]; return Math.hypot(a.x - b.x, a.y - b.y); };
    canvas.onpointerdown = (event) => { canvas.setPointerCapture(event.pointerId); fingers.set(event.pointerId, { x: event.clientX, y: event.clientY }); };
    canvas.onpointerup = canvas.onpointercancel = (event) => fingers.delete(event.pointerId);
    canvas.onpointermove = (event) => {
      const before = fingers.get(event.pointerId);
      if (!before) return;
      const old = fingers.size === 2 && spread(), [dx, dy] = [event.clientX - before.x, event.clientY - before.y];
      Object.assign(before, { x: event.clientX, y: event.clientY });
      if (old) { this.zoom(old / spread()); this.move(dx / 2, -dy / 2); }
      else if (event.shiftKey || event.buttons === 4) this.move(dx, -dy);
      else this.turn(-0.008 * dx, 0.008 * dy);
    };
    canvas.onwheel = (event) => { event.preventDefault(); this.zoom(Math.exp(0.001 * event.deltaY)); };
    const keys = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1] };
    canvas.onkeydown = (event) => {
      if (keys[event.key]) { event.preventDefault(); this.turn(...keys[event.key]); }
      if ("+-".includes(event.key)) this.zoom(event.key === "+" ? 0.9 : 1.1);
    };
  }
}

const extent = (points) => points.reduce((largest, x) => Math.max(largest, Math.abs(x)), 0);
const rgb = (text) => [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16) / 255);
const joined = (surfaces) => Object.fromEntries(["positions", "normals"].map((key) =>
  [key, Float32Array.from(surfaces.flatMap((surface) => Array.from(surface[key])))]));

function refuse(why) {
  element("trouble").textContent = `This picture cannot be drawn: ${why}. The still pictures of the report show the same zone.`;
  document.body.dataset.ready = "no";
}

window.addEventListener("load", async () => {
  document.body.classList.toggle("framed", window !== window.top);
  try {
    const scene = new Scene(JSON.parse(element("data").textContent));
    element("picture").addEventListener("webglcontextlost", () => refuse("the browser took the graphics memory back"));
    await scene.open();
    window.scene = scene;
    element("trouble").textContent = "";
    document.body.dataset.ready = "yes";
  } catch (error) {
    refuse(error.message);
  }
});
