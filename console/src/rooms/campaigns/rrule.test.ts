import { describe, expect, it } from 'vitest';
import { read, write } from './rrule';

describe('rules of recurrence', () => {
  it.each([
    'FREQ=DAILY', 'FREQ=DAILY;INTERVAL=3', 'FREQ=WEEKLY;BYDAY=MO,FR', 'FREQ=MONTHLY;BYMONTHDAY=1,-1;COUNT=4',
    'FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;UNTIL=20261231T235959', 'FREQ=YEARLY',
  ])('%s is read and written as it was', (text) => {
    const rule = read(text);
    expect(rule && write(rule)).toBe(text);
  });

  it.each(['FREQ=MONTHLY;BYDAY=2TU', 'FREQ=HOURLY', 'BYDAY=MO', '', 'FREQ=DAILY;BYHOUR=9'])('%s is left to those who know the language', (text) => {
    expect(read(text)).toBeNull();
  });
});
