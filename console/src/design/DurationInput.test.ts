import { expect, it } from 'vitest';
import { unitBeside } from './DurationInput';

it('a unit is named as its language counts', () => {
  expect([1, 3, 25].map((count) => unitBeside('ru', 'hour', count))).toEqual(['час', 'часа', 'часов']);
  expect([1, 2].map((count) => unitBeside('en', 'day', count))).toEqual(['day', 'days']);
  expect(unitBeside('zh', 'minute', 5)).toBe('分钟');
});
