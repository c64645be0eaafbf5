import { afterEach, describe, expect, it, vi } from 'vitest';
import { formatFor } from './format';

describe('dates', () => {
  afterEach(() => { vi.unstubAllEnvs(); });

  it('a day is the same day west of Greenwich', () => {
    vi.stubEnv('TZ', 'America/New_York');
    expect(formatFor('en').date('1990-05-12')).toBe('May 12, 1990');
    expect(formatFor('en').date('1990-05-12T01:00:00Z')).toBe('May 11, 1990');
  });

  it('nothing is said of no date', () => {
    expect(formatFor('en').date(null)).toBe('—');
  });
});
