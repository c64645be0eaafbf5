import { describe, expect, it } from 'vitest';
import { distanceFor, draw, lens } from './euler';

describe('circles', () => {
  it('share the area asked for', () => {
    for (const shared of [0.1, 1, 2.5]) {
      expect(lens(1, 2, distanceFor(1, 2, shared))).toBeCloseTo(shared, 6);
    }
    expect(lens(1, 2, distanceFor(1, 2, 0))).toBe(0);
    expect(distanceFor(1, 2, 100)).toBeLessThanOrEqual(1);
  });

  it('have areas like their counts and overlap as they do', () => {
    const drawn = draw([7, 8], [{ ids: [7], count: 300 }, { ids: [8], count: 100 }, { ids: [7, 8], count: 100 }]);
    const [one, other] = drawn.circles;
    if (!one || !other) throw new Error('two circles');
    expect(one.r ** 2 / other.r ** 2).toBeCloseTo(2, 5);
    const shared = lens(one.r, other.r, Math.hypot(one.x - other.x, one.y - other.y));
    expect(shared / (Math.PI * other.r ** 2)).toBeCloseTo(0.5, 3);
    expect([...drawn.places.keys()].sort()).toEqual([1, 2, 3]);
  });

  it('of three stand apart or within each other where the sets do', () => {
    const regions = [[[1], 60], [[2], 50], [[1, 2], 10], [[1, 3], 6], [[3], 0], [[2, 3], 0], [[1, 2, 3], 0]] as [number[], number][];
    const [a, b, c] = draw([1, 2, 3], regions.map(([ids, count]) => ({ ids, count }))).circles;
    if (!a || !b || !c) throw new Error('three circles');
    expect(Math.hypot(b.x - c.x, b.y - c.y)).toBeGreaterThan(b.r + c.r);
    expect(Math.hypot(a.x - c.x, a.y - c.y) + c.r).toBeLessThan(a.r);
    expect(lens(a.r, b.r, Math.hypot(a.x - b.x, a.y - b.y)) / (Math.PI * a.r ** 2)).toBeCloseTo(10 / 76, 2);
  });

  it('stay on the page whatever the counts', () => {
    const cases = [[0, 0, 0, 0, 0, 0, 0], [5, 0, 0, 0, 0, 0, 0], [9, 9, 0, 9, 0, 0, 0], [0, 0, 0, 0, 0, 0, 4], [1, 1, 5, 1000, 3, 3, 1], [0, 100, 10, 0, 0, 40, 2]];
    for (const counts of cases) {
      const regions = counts.map((count, place) => ({ ids: [1, 2, 3].filter((_, bit) => ((place + 1) >> bit) & 1), count }));
      const drawn = draw([1, 2, 3], regions);
      for (const { x, y, r } of drawn.circles) {
        expect(x - r).toBeGreaterThanOrEqual(0);
        expect(x + r).toBeLessThanOrEqual(drawn.width);
        expect(y - r).toBeGreaterThanOrEqual(0);
        expect(y + r).toBeLessThanOrEqual(drawn.height);
      }
    }
  });
});
