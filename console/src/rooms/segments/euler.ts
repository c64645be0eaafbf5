/** Circles whose areas and overlaps follow counts: exact for two sets, as near as circles can come for three. */

export interface Circle {
  x: number;
  y: number;
  r: number;
}

export interface Region {
  ids: number[];
  count: number;
}

export interface Drawing {
  circles: Circle[];
  /** Where the count of each region can stand, by the region's bits; none where it has no room. */
  places: Map<number, { x: number; y: number; room: number }>;
  width: number;
  height: number;
}

const WIDE = 520;
const HIGH = 320;
const EDGE = 14;

/** The area two circles share at a distance. */
export function lens(a: number, b: number, distance: number): number {
  if (distance >= a + b) return 0;
  if (distance <= Math.abs(a - b)) return Math.PI * Math.min(a, b) ** 2;
  const first = Math.acos((distance ** 2 + a ** 2 - b ** 2) / (2 * distance * a));
  const second = Math.acos((distance ** 2 + b ** 2 - a ** 2) / (2 * distance * b));
  return a ** 2 * (first - Math.sin(2 * first) / 2) + b ** 2 * (second - Math.sin(2 * second) / 2);
}

/** How far apart two circles stand so that they share an area. */
export function distanceFor(a: number, b: number, shared: number): number {
  if (shared <= 0) return (a + b) * 1.04;
  if (shared >= Math.PI * Math.min(a, b) ** 2) return Math.max(0, Math.abs(a - b) - 0.02 * Math.max(a, b));
  let [near, far] = [Math.abs(a - b), a + b];
  for (let step = 0; step < 60; step += 1) {
    const middle = (near + far) / 2;
    if (lens(a, b, middle) > shared) near = middle;
    else far = middle;
  }
  return (near + far) / 2;
}

function thirdPlace(circles: Circle[], toFirst: number, toSecond: number): { x: number; y: number } {
  const apart = circles[1]?.x ?? 0;
  if (apart < 1e-9) return { x: 0, y: toFirst };
  const x = (toFirst ** 2 - toSecond ** 2 + apart ** 2) / (2 * apart);
  const square = toFirst ** 2 - x ** 2;
  if (square > 0) return { x, y: Math.sqrt(square) };
  // The three distances make no triangle: stand between the two, as their distances ask.
  const along = apart >= toFirst + toSecond ? apart * (toFirst / (toFirst + toSecond)) : toFirst > toSecond ? toFirst : -toFirst;
  return { x: along, y: 0 };
}

/** How far two circles are from where they should be: apart if they share nothing, one in the other if it holds it whole. */
function strain(one: Circle, other: Circle, shared: number): number {
  const apart = Math.hypot(one.x - other.x, one.y - other.y);
  if (shared <= 0) return Math.max(0, (one.r + other.r) * 1.02 - apart);
  if (shared >= 0.999 * Math.PI * Math.min(one.r, other.r) ** 2) return Math.max(0, apart - Math.abs(one.r - other.r) * 0.96);
  return Math.abs(apart - distanceFor(one.r, other.r, shared));
}

/** Moves three circles in ever smaller steps to where they disagree least with what they share. */
function settle(circles: Circle[], shared: (one: number, other: number) => number): void {
  const pairs = [[0, 1], [0, 2], [1, 2]] as const;
  const total = () =>
    pairs.reduce((sum, [one, other]) => sum + strain(circles[one] as Circle, circles[other] as Circle, shared(one, other)) ** 2, 0);
  let least = total();
  for (let step = Math.max(...circles.map((one) => one.r)); step > 1e-4; step *= 0.9) {
    for (const one of circles) {
      for (let turn = 0; turn < 12; turn += 1) {
        const { x, y } = one;
        one.x += step * Math.cos((turn * Math.PI) / 6);
        one.y += step * Math.sin((turn * Math.PI) / 6);
        const now = total();
        if (now < least) least = now;
        else Object.assign(one, { x, y });
      }
    }
  }
}

function inside(circles: Circle[], x: number, y: number): number {
  return circles.reduce((bits, one, bit) => (Math.hypot(x - one.x, y - one.y) < one.r ? bits | (1 << bit) : bits), 0);
}

function placesOf(circles: Circle[]): Drawing['places'] {
  const places: Drawing['places'] = new Map();
  for (let x = 0; x <= WIDE; x += 4) {
    for (let y = 0; y <= HIGH; y += 4) {
      const bits = inside(circles, x, y);
      if (bits === 0) continue;
      const room = Math.min(...circles.map((one) => Math.abs(Math.hypot(x - one.x, y - one.y) - one.r)));
      if (room > (places.get(bits)?.room ?? 0)) places.set(bits, { x, y, room });
    }
  }
  return places;
}

/** Lays out one to three sets. `regions` says how many are in exactly those sets. */
export function draw(ids: number[], regions: Region[]): Drawing {
  const shared = (...wanted: number[]) =>
    regions.filter((one) => wanted.every((id) => one.ids.includes(id))).reduce((sum, one) => sum + one.count, 0);
  const most = Math.max(1, ...ids.map((id) => shared(id)));
  const radii = ids.map((id) => Math.sqrt(Math.max(shared(id), most * 0.004) / Math.PI));
  const apart = (one: number, other: number) =>
    distanceFor(radii[one] ?? 0, radii[other] ?? 0, shared(ids[one] ?? 0, ids[other] ?? 0));
  const circles: Circle[] = radii.map((r, place) => ({ x: place === 1 ? apart(0, 1) : 0, y: 0, r }));
  if (circles[2]) {
    Object.assign(circles[2], thirdPlace(circles, apart(0, 2), apart(1, 2)));
    settle(circles, (one, other) => shared(ids[one] ?? 0, ids[other] ?? 0));
  }
  const left = Math.min(...circles.map((one) => one.x - one.r));
  const top = Math.min(...circles.map((one) => one.y - one.r));
  const wide = Math.max(...circles.map((one) => one.x + one.r)) - left;
  const high = Math.max(...circles.map((one) => one.y + one.r)) - top;
  const scale = Math.min((WIDE - 2 * EDGE) / wide, (HIGH - 2 * EDGE) / high);
  const placed = circles.map((one) => ({
    x: (one.x - left - wide / 2) * scale + WIDE / 2,
    y: (one.y - top - high / 2) * scale + HIGH / 2,
    r: one.r * scale,
  }));
  return { circles: placed, places: placesOf(placed), width: WIDE, height: HIGH };
}
