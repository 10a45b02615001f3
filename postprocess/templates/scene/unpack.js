// SPDX-License-Identifier: MIT
// The other end of postprocess/scene/packing.py: text to arrays of numbers.

async function unpack(packed) {
  const text = atob(packed.data), deflated = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) deflated[i] = text.charCodeAt(i);
  const stream = new Blob([deflated]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const count = bytes.length / packed.width;
  const numbers = packed.width === 2 ? new Uint16Array(count) : new Uint32Array(count);
  for (let byte = 0; byte < packed.width; byte++)
    for (let i = 0; i < count; i++) numbers[i] |= bytes[byte * count + i] << (8 * byte);
  if (packed.differences) for (let i = 1; i < count; i++) numbers[i] += numbers[i - 1];
  return numbers;
}

// Coordinates in millimetres about a centre [m], one vertex after another.
async function unpackPoints(packed, centre) {
  const axes = await Promise.all(packed.axes.map(unpack)), dimension = axes.length;
  const points = new Float32Array(axes[0].length * dimension);
  axes.forEach((levels, axis) => {
    const low = packed.low[axis] - centre[axis], step = packed.step[axis];
    for (let i = 0; i < levels.length; i++) points[i * dimension + axis] = 1e3 * (low + step * levels[i]);
  });
  return points;
}

// Vertex numbers, one cell after another.
async function unpackCells(packed) {
  const columns = await Promise.all(packed.corners.map(unpack)), corners = columns.length;
  const cells = new Uint32Array(packed.count * corners);
  for (let i = 0; i < packed.count; i++)
    for (let corner = 0, vertex = 0; corner < corners; corner++)
      cells[i * corners + corner] = vertex += columns[corner][i];
  return cells;
}

// Levels of a `Scale` to values.
async function unpackValues(packed, measure) {
  const levels = await unpack(packed), step = Math.asinh(measure.top / measure.bend) / 32767;
  return Float32Array.from(levels, (level) => measure.bend * Math.sinh((level - 32767) * step));
}
