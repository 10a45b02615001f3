// SPDX-License-Identifier: MIT
// Surfaces in space from what a mesh has: spheres from radii, rotated outlines from segments, triangles as they are.
// A surface is { positions, normals }: three coordinates [mm] per corner, three corners per triangle.

const SECTORS = 64;

// A surface given in the coordinates of the mesh, turned around the axis where that stands for space.
function inSpace({ positions, normals }, dimension) {
  if (dimension === 3) return wound(positions, normals);
  const outline = dimension === 2 ? { positions, normals } : halfCircles(positions, normals), turned = { positions: [], normals: [] };
  for (let i = 0; i < outline.positions.length; i += 4)
    for (let sector = 0; sector < SECTORS; sector++)
      for (const [end, side] of [[0, 0], [1, 0], [1, 1], [0, 0], [1, 1], [0, 1]]) {
        const angle = 2 * Math.PI * (sector + side) / SECTORS;
        for (const key of ["positions", "normals"]) {
          const [r, z] = outline[key].slice(i + 2 * end, i + 2 * end + 2);
          turned[key].push(r * Math.cos(angle), r * Math.sin(angle), z);
        }
      }
  return wound(turned.positions, turned.normals);
}

// Outlines (r, z) of the spheres with some radii; a negative normal points to the centre.
function halfCircles(radii, signs) {
  const outline = { positions: [], normals: [] };
  radii.forEach((radius, i) => {
    for (let part = 0; part < SECTORS / 2; part++) for (const end of [part, part + 1]) {
      const angle = Math.PI * end / (SECTORS / 2), [r, z] = [Math.sin(angle), Math.cos(angle)];
      outline.positions.push(radius * r, radius * z);
      outline.normals.push(Math.sign(signs[i]) * r, Math.sign(signs[i]) * z);
    }
  });
  return outline;
}

// Corners in an order that has its front on the side to which the normals point.
function wound(positions, normals) {
  const surface = { positions: Float32Array.from(positions), normals: Float32Array.from(normals) };
  const corner = (i) => positions.slice(i, i + 3);
  for (let i = 0; i < positions.length; i += 9) {
    const a = corner(i), normal = [0, 1, 2].map((axis) => normals[i + axis] + normals[i + 3 + axis] + normals[i + 6 + axis]);
    if (dot(cross(minus(corner(i + 3), a), minus(corner(i + 6), a)), normal) >= 0) continue;
    for (const array of [surface.positions, surface.normals])
      for (let axis = 0; axis < 3; axis++)
        [array[i + 3 + axis], array[i + 6 + axis]] = [array[i + 6 + axis], array[i + 3 + axis]];
  }
  return surface;
}

// A stored surface with normals that are means over the facets around each vertex, pointing away from the centre.
function smooth(points, facets, dimension) {
  const sums = new Float64Array(points.length), at = (vertex) => Array.from(points.subarray(vertex * dimension, (vertex + 1) * dimension));
  for (let i = 0; i < facets.length; i += dimension) {
    const corners = Array.from(facets.subarray(i, i + dimension)), [a, b, c] = corners.map(at);
    let normal = dimension === 3 ? cross(minus(b, a), minus(c, a)) : dimension === 2 ? [b[1] - a[1], a[0] - b[0]] : [1];
    if (normal.reduce((sum, x, axis) => sum + x * a[axis], 0) < 0) normal = normal.map((x) => -x);
    for (const vertex of corners) normal.forEach((x, axis) => { sums[vertex * dimension + axis] += x; });
  }
  const gather = (array) => Array.from(facets).flatMap((vertex) => Array.from(array.subarray(vertex * dimension, (vertex + 1) * dimension)));
  return inSpace({ positions: gather(points), normals: gather(sums) }, dimension);
}

// Stored triangles in space that know their outside, with normals that are means over the facets around each vertex.
function shell(points, triangles, turned) {
  const sums = new Float64Array(points.length), at = (vertex) => Array.from(points.subarray(3 * vertex, 3 * vertex + 3));
  const positions = new Float32Array(3 * triangles.length), normals = new Float32Array(3 * triangles.length);
  for (let i = 0; i < triangles.length; i += 3) {
    if (turned[i / 3]) [triangles[i + 1], triangles[i + 2]] = [triangles[i + 2], triangles[i + 1]];
    const corners = Array.from(triangles.subarray(i, i + 3)), [a, b, c] = corners.map(at);
    const normal = cross(minus(b, a), minus(c, a));
    for (const vertex of corners) normal.forEach((x, axis) => { sums[3 * vertex + axis] += x; });
  }
  triangles.forEach((vertex, corner) => {
    const normal = unit([sums[3 * vertex], sums[3 * vertex + 1], sums[3 * vertex + 2]]);
    for (let axis = 0; axis < 3; axis++) {
      positions[3 * corner + axis] = points[3 * vertex + axis];
      normals[3 * corner + axis] = normal[axis];
    }
  });
  return { positions, normals };
}

// A closed needle with a tip at the origin of its shaft.
function needleShape({ tip, direction, radius, length }, centre) {
  const surface = { positions: [], normals: [] };
  const aside = Math.abs(direction[0]) < 0.8 ? [1, 0, 0] : [0, 1, 0], u = unit(cross(direction, aside)), v = cross(direction, u);
  const at = (angle, along) => [0, 1, 2].map((i) =>
    1e3 * (tip[i] - centre[i] - along * direction[i] + radius * (Math.cos(angle) * u[i] + Math.sin(angle) * v[i])));
  const point = [0, 1, 2].map((i) => 1e3 * (tip[i] - centre[i])), bevel = Math.min(4 * radius, length);
  const add = (angle, position) => {
    surface.positions.push(...position);
    surface.normals.push(...[0, 1, 2].map((i) => Math.cos(angle) * u[i] + Math.sin(angle) * v[i]));
  };
  for (let sector = 0; sector < 24; sector++) {
    const [a, b] = [sector, sector + 1].map((n) => 2 * Math.PI * n / 24);
    add(a, at(a, bevel)); add(b, at(b, bevel)); add(a, point);
    add(a, at(a, bevel)); add(b, at(b, bevel)); add(b, at(b, length));
    add(a, at(a, bevel)); add(b, at(b, length)); add(a, at(a, length));
  }
  return wound(surface.positions, surface.normals);
}

const unit = (a) => { const length = Math.hypot(...a) || 1; return a.map((x) => x / length); };
