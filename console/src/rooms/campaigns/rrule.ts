/** The rules a person can build without knowing RFC 5545; another rule is kept as it is written. */
export type Freq = 'DAILY' | 'WEEKLY' | 'MONTHLY' | 'YEARLY';
export const FREQS: Freq[] = ['DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY'];
export const DAYS = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'] as const;
export type Day = (typeof DAYS)[number];

export interface Rule {
  freq: Freq;
  interval: number;
  days: Day[];
  /** Days of the month; -1 is the last one. */
  monthDays: number[];
  count: number | null;
  /** The last day, as 2026-12-31. */
  until: string | null;
}

export const WEEKLY: Rule = { freq: 'WEEKLY', interval: 1, days: ['MO'], monthDays: [], count: null, until: null };

export function write(rule: Rule): string {
  return [
    `FREQ=${rule.freq}`,
    rule.interval > 1 && `INTERVAL=${rule.interval}`,
    rule.freq === 'WEEKLY' && rule.days.length > 0 && `BYDAY=${DAYS.filter((day) => rule.days.includes(day)).join(',')}`,
    rule.freq === 'MONTHLY' && rule.monthDays.length > 0 && `BYMONTHDAY=${rule.monthDays.join(',')}`,
    rule.count !== null && `COUNT=${rule.count}`,
    rule.until !== null && `UNTIL=${rule.until.replaceAll('-', '')}T235959`,
  ]
    .filter(Boolean)
    .join(';');
}

/** The rule as the form shows it, or null for one that says more than the form can. */
export function read(text: string): Rule | null {
  const rule: Rule = { ...WEEKLY, days: [] };
  let known = false;
  for (const part of text.trim().split(';').filter(Boolean)) {
    const [name, value = ''] = part.split('=');
    if (name === 'FREQ' && (FREQS as string[]).includes(value)) {
      rule.freq = value as Freq;
      known = true;
    } else if (name === 'INTERVAL' && /^\d+$/.test(value)) rule.interval = Number(value);
    else if (name === 'BYDAY' && value.split(',').every((day) => (DAYS as readonly string[]).includes(day))) rule.days = value.split(',') as Day[];
    else if (name === 'BYMONTHDAY' && value.split(',').every((day) => /^-?\d+$/.test(day))) rule.monthDays = value.split(',').map(Number);
    else if (name === 'COUNT' && /^\d+$/.test(value)) rule.count = Number(value);
    else if (name === 'UNTIL' && /^\d{8}/.test(value)) rule.until = `${value.slice(0, 4)}-${value.slice(4, 6)}-${value.slice(6, 8)}`;
    else return null;
  }
  if (rule.days.length > 0 && rule.freq !== 'WEEKLY') return null;
  if (rule.monthDays.length > 0 && rule.freq !== 'MONTHLY') return null;
  return known ? rule : null;
}
