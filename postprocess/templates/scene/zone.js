// SPDX-License-Identifier: MIT
// Where a field that is linear in every cell reaches a threshold: its surface, and the volume it encloses.
// A mesh has points [mm] of 1, 2 or 3 coordinates (r; r, z; x, y, z) and cells of one corner more.

const minus = (a, b) => a.map((x, i) => x - b[i]);
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const mix = (a, b, share) => a.map((x, i) => x + share * (b[i] - x));

// By dimension: the volume [mm3] that corners stand for, as a shell, a ring (weight 2 pi r) or a tetrahedron.
const volumeOf = {
  1: ([a, b]) => 4 / 3 * Math.PI * Math.abs(b[0] ** 3 - a[0] ** 3),
  2: ([a, b, c]) => Math.PI / 3 * (a[0] + b[0] + c[0]) *
    Math.abs((b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])),
  3: ([a, b, c, d]) => Math.abs(dot(minus(b, a), cross(minus(c, a), minus(d, a)))) / 6,
};

// By dimension: the gradient of a linear field from three edges of a cell and the rises along them.
const gradientOf = {
  1: ([edge], [rise]) => [rise / edge[0]],
  2: ([u, v], [a, b]) => {
    const area = u[0] * v[1] - u[1] * v[0];
    return [(a * v[1] - b * u[1]) / area, (b * u[0] - a * v[0]) / area];
  },
  3: ([u, v, w], [a, b, c]) => {
    const faces = [cross(v, w), cross(w, u), cross(u, v)], volume = dot(u, faces[0]);
    return [0, 1, 2].map((axis) => (a * faces[0][axis] + b * faces[1][axis] + c * faces[2][axis]) / volume);
  },
};

// Simplices that fill the part above, by dimension and number of corners above. Nodes: those corners, highest
// first, then the crossings in the order of the edges from each of them to each corner below.
const piecesAbove = {
  "1,1": [[0, 1]],
  "2,1": [[0, 1, 2]], "2,2": [[0, 1, 3], [0, 2, 3]],
  "3,1": [[0, 1, 2, 3]], "3,2": [[0, 1, 4, 5], [0, 2, 4, 5], [0, 2, 3, 5]],
  "3,3": [[0, 1, 2, 5], [0, 1, 4, 5], [0, 3, 4, 5]],
};

class Mesh {
  constructor(points, cells, dimension) {
    Object.assign(this, { points, cells, dimension, corners: dimension + 1 });
    this.volumes = new Float64Array(cells.length / this.corners);
    for (let cell = 0; cell < this.volumes.length; cell++)
      this.volumes[cell] = volumeOf[dimension](this.vertices(cell).map((vertex) => this.at(vertex)));
  }

  vertices(cell) {
    return Array.from(this.cells.subarray(cell * this.corners, (cell + 1) * this.corners));
  }

  at(vertex, array = this.points) {
    return Array.from(array.subarray(vertex * this.dimension, (vertex + 1) * this.dimension));
  }

  countAbove(cell, values, threshold) {
    let count = 0;
    for (let i = cell * this.corners; i < (cell + 1) * this.corners; i++) count += values[this.cells[i]] >= threshold;
    return count;
  }

  // For each range [begin, end) of cells: the volume [mm3] where values reach the threshold, and its surface as
  // positions and outward normals of `dimension` corners to a piece.
  zones(values, threshold, ranges) {
    const slopes = new Float64Array(this.points.length);
    const found = ranges.map(([begin, end]) => {
      const cut = [];
      let volume = 0;
      for (let cell = begin; cell < end; cell++) {
        const count = this.countAbove(cell, values, threshold);
        if (count === this.corners) volume += this.volumes[cell];
        else if (count) cut.push(cell);
      }
      for (const cell of cut) this.addSlope(cell, values, slopes);
      return { volume, cut };
    });
    return found.map(({ volume, cut }) => {
      const surface = { positions: [], normals: [] };
      for (const cell of cut) volume += this.split(cell, values, threshold, slopes, surface);
      return { volume, ...surface };
    });
  }

  // Add the gradient in a cell to those of its vertices: their sum makes the surface look smooth.
  addSlope(cell, values, slopes) {
    const [first, ...others] = this.vertices(cell), origin = this.at(first);
    const edges = others.map((vertex) => minus(this.at(vertex), origin));
    const gradient = gradientOf[this.dimension](edges, others.map((vertex) => values[vertex] - values[first]));
    for (const vertex of [first, ...others])
      gradient.forEach((slope, axis) => { slopes[vertex * this.dimension + axis] += slope * this.volumes[cell]; });
  }

  // The volume above in a cell that is cut; its piece of the surface is added to `surface`.
  split(cell, values, threshold, slopes, surface) {
    const sorted = this.vertices(cell).sort((a, b) => values[b] - values[a]);
    const count = this.countAbove(cell, values, threshold);
    const nodes = sorted.slice(0, count).map((vertex) => this.at(vertex)), normals = [];
    for (const high of sorted.slice(0, count)) for (const low of sorted.slice(count)) {
      const share = (values[high] - threshold) / (values[high] - values[low]);
      nodes.push(mix(this.at(high), this.at(low), share));
      normals.push(mix(this.at(high, slopes), this.at(low, slopes), share));
    }
    const faces = normals.length === 4 ? [[0, 1, 3], [0, 3, 2]] : [[0, 1, 2].slice(0, this.dimension)];
    for (const face of faces) for (const i of face) {
      surface.positions.push(...nodes[count + i]);
      surface.normals.push(...normals[i].map((x) => -x));
    }
    return piecesAbove[[this.dimension, count]].reduce((sum, piece) =>
      sum + volumeOf[this.dimension](piece.map((node) => nodes[node])), 0);
  }
}
