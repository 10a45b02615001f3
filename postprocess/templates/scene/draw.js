// SPDX-License-Identifier: MIT
// Draws surfaces in parallel projection: opaque ones first, then those that can be seen through.

const VERTEX = `#version 300 es
in vec3 position; in vec3 normal;
uniform mat3 turn; uniform vec3 middle; uniform vec2 scale; uniform float depth;
out vec3 n; out vec3 place;
void main() {
  vec3 seen = turn * (position - middle);
  gl_Position = vec4(seen.xy * scale, -seen.z / depth, 1.0);
  n = turn * normal; place = position;
}`;

const FRAGMENT = `#version 300 es
precision highp float;
in vec3 n; in vec3 place;
uniform vec4 colour; uniform vec4 plane; uniform bool cuts;
out vec4 shade;
void main() {
  if (cuts && dot(plane.xyz, place) > plane.w) discard;
  vec3 facing = normalize(n) * (gl_FrontFacing ? 1.0 : -1.0);
  float light = 0.38 + 0.5 * max(facing.z, 0.0) + 0.3 * max(dot(facing, normalize(vec3(-0.6, 0.7, 0.5))), 0.0);
  float gloss = 0.12 * pow(max(dot(facing, normalize(vec3(-0.3, 0.4, 1.0))), 0.0), 30.0);
  vec3 outside = colour.rgb * light + gloss;
  vec3 inside = mix(colour.rgb, vec3(1.0), 0.22);
  float rim = colour.a < 1.0 ? mix(2.2, 0.7, abs(facing.z)) : 1.0;
  shade = vec4(cuts && !gl_FrontFacing ? inside : outside, min(colour.a * rim, 1.0));
}`;

class Painter {
  constructor(canvas) {
    const gl = canvas.getContext("webgl2", { antialias: true, alpha: false, preserveDrawingBuffer: true });
    if (!gl) throw new Error("this browser has no WebGL 2 switched on");
    Object.assign(this, { canvas, gl, program: linked(gl) });
    gl.enable(gl.DEPTH_TEST);
    gl.blendFunc(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA);
    gl.clearColor(1, 1, 1, 1);
    gl.clear(gl.COLOR_BUFFER_BIT); // a canvas that is not drawn yet is black
  }

  // Put a surface into the memory of the graphics card, instead of the one that `before` was given for.
  load({ positions, normals }, before) {
    const gl = this.gl, surface = before || { array: gl.createVertexArray(), buffers: [gl.createBuffer(), gl.createBuffer()] };
    gl.bindVertexArray(surface.array);
    [["position", positions], ["normal", normals]].forEach(([name, data], i) => {
      const place = gl.getAttribLocation(this.program, name);
      gl.bindBuffer(gl.ARRAY_BUFFER, surface.buffers[i]);
      gl.bufferData(gl.ARRAY_BUFFER, data, gl.DYNAMIC_DRAW);
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, 3, gl.FLOAT, false, 0, 0);
    });
    return { ...surface, count: positions.length / 3 };
  }

  // Layers: { surface, colour: [r, g, b], opacity, whole }; whole ones are spared by the cut. Camera: { axes, middle,
  // height [mm], plane } with axes as rows (right, up, towards) and plane null or [normal, offset].
  paint(layers, camera) {
    const { gl, canvas, program } = this, set = (name) => gl.getUniformLocation(program, name);
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    [canvas.width, canvas.height] = [canvas.clientWidth, canvas.clientHeight].map((n) => Math.max(1, Math.round(n * ratio)));
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.useProgram(program);
    gl.uniformMatrix3fv(set("turn"), true, camera.axes.flat());
    gl.uniform3fv(set("middle"), camera.middle);
    gl.uniform2f(set("scale"), 2 / camera.height * canvas.height / canvas.width, 2 / camera.height);
    gl.uniform1f(set("depth"), 500);
    if (camera.plane) gl.uniform4f(set("plane"), ...camera.plane);
    const draw = ({ surface, colour, opacity, whole }) => {
      gl.uniform4f(set("colour"), ...colour, opacity);
      gl.uniform1i(set("cuts"), camera.plane && !whole ? 1 : 0);
      gl.bindVertexArray(surface.array);
      gl.drawArrays(gl.TRIANGLES, 0, surface.count);
    };
    gl.disable(gl.BLEND); gl.disable(gl.CULL_FACE); gl.depthMask(true);
    layers.filter((layer) => layer.opacity === 1).forEach(draw);
    gl.enable(gl.BLEND); gl.enable(gl.CULL_FACE); gl.depthMask(false);
    for (const side of [gl.FRONT, gl.BACK]) {
      gl.cullFace(side);
      layers.filter((layer) => layer.opacity < 1).forEach(draw);
    }
    gl.depthMask(true);
  }
}

function linked(gl) {
  const program = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
  return program;
}
