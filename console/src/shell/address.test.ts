import { describe, expect, it } from 'vitest';
import { readSearch, writeSearch } from './address';

describe('what an address says', () => {
  it.each([
    [{ open: '12' }, '?open=12'],
    [{ open: 12, state: 'sent,failed' }, '?open=12&state=sent%2Cfailed'],
    [{ address: '1e5', since: '2026-01-02' }, '?address=1e5&since=2026-01-02'],
    [{ address: '+7 900', was: null, reason: undefined, action: '' }, '?address=%2B7+900'],
    [{}, ''],
  ])('%j is written plainly and read again', (search, written) => {
    expect(writeSearch(search)).toBe(written);
    const kept = Object.entries(search).filter(([, value]) => value);
    expect(readSearch(written)).toEqual(Object.fromEntries(kept.map(([key, value]) => [key, String(value)])));
  });

  it('reads links that were sent with quotes', () => {
    expect(readSearch('?open=%2212%22')).toEqual({ open: '12' });
    expect(readSearch('?q=%22to+be%22')).toEqual({ q: '"to be"' });
  });
});
