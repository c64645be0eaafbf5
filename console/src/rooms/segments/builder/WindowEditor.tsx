import { Group, Select } from '@mantine/core';
import { DatePickerInput } from '@mantine/dates';
import { useTranslation } from 'react-i18next';
import type { Window } from '../types';
import { useCatalogue } from '../vocabulary';
import { AddFilter, Filters } from './Filters';
import { EventPick, NumberPick, Said, SpanInput, UnitPick } from './inputs';
import { useWrong } from './wrong';

type Some<W extends Window | null> = Exclude<W, null>;
type FixedWindow = Exclude<Window, { kind: 'since_event' }>;

interface WindowEditorProps<W extends Window> {
  window: W | null;
  onChange: (window: W | null) => void;
  /** Only windows that are the same for everybody. */
  fixed?: boolean;
  /** There is no "ever". */
  always?: boolean;
}

const KINDS = ['ever', 'last', 'ago', 'before', 'dates', 'calendar', 'since_event'] as const;
type Kind = (typeof KINDS)[number];
const PERIODS = ['day', 'week', 'month', 'quarter', 'year'] as const;

const here = () => Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
const startOf = (day: string | null) => (day ? new Date(`${day}T00:00:00Z`).toISOString() : null);

function kindOf(window: Window | null): Kind {
  if (window === null) return 'ever';
  return window.kind === 'ago' && !window.begin ? 'before' : window.kind;
}

function start(kind: Kind): Window | null {
  switch (kind) {
    case 'ever':
      return null;
    case 'last':
      return { kind, amount: 30, unit: 'days' };
    case 'ago':
      return { kind, begin: { amount: 60, unit: 'days' }, end: { amount: 30, unit: 'days' } };
    case 'before':
      return { kind: 'ago', begin: null, end: { amount: 90, unit: 'days' } };
    case 'dates':
      return { kind, since: null, until: null };
    case 'calendar':
      return { kind, period: 'month', which: 'this', zone: here() };
    case 'since_event':
      return { kind, name: '', which: 'last', where: [] };
  }
}

function Inside({ window, onChange }: { window: Window; onChange: (window: Window) => void }) {
  const { t } = useTranslation();
  const wrong = useWrong();
  const zones = useCatalogue().zones;
  switch (window.kind) {
    case 'last':
      return (
        <>
          <NumberPick label={t('segments.window_amount')} w={64} min={1} error={wrong('window.amount')} value={window.amount} onChange={(amount) => onChange({ ...window, amount: Math.max(1, amount ?? 1) })} />
          <UnitPick count={window.amount} value={window.unit} onChange={(unit) => onChange({ ...window, unit })} />
        </>
      );
    case 'ago':
      return (
        <>
          {window.begin && (
            <>
              <SpanInput label={t('build.ago_begin')} value={window.begin} error={wrong('window.begin')} onChange={(begin) => onChange({ ...window, begin })} />
              <Said>{t('segments.and')}</Said>
            </>
          )}
          <SpanInput label={t('build.ago_end')} value={window.end ?? { amount: 0, unit: 'days' }} error={wrong('window.end')} onChange={(end) => onChange({ ...window, end })} />
          <Said>{t('segments.when_ago')}</Said>
        </>
      );
    case 'dates':
      return (
        <DatePickerInput
          type="range"
          aria-label={t('segments.window_dates_label')}
          placeholder={t('segments.pick_dates')}
          w={230}
          clearable
          value={[window.since?.slice(0, 10) ?? null, window.until?.slice(0, 10) ?? null]}
          onChange={([since, until]) => onChange({ kind: 'dates', since: startOf(since), until: startOf(until) })}
        />
      );
    case 'calendar':
      return (
        <>
          <Select
            aria-label={t('build.period')}
            w={178}
            allowDeselect={false}
            data={(['this', 'last'] as const).map((which) => ({
              group: t(`build.period_${which}`),
              items: PERIODS.map((period) => ({ value: `${which} ${period}`, label: t(`build.${which}_${period}`) })),
            }))}
            value={`${window.which ?? 'this'} ${window.period}`}
            onChange={(picked) => {
              const [which, period] = (picked ?? '').split(' ');
              if (period) onChange({ ...window, which: which as 'this' | 'last', period: period as (typeof PERIODS)[number] });
            }}
          />
          <Select aria-label={t('build.zone')} w={190} searchable allowDeselect={false} limit={100} error={wrong('window.zone')} data={zones} value={window.zone ?? 'UTC'} onChange={(zone) => zone && onChange({ ...window, zone })} />
        </>
      );
    case 'since_event':
      return (
        <>
          <Select
            aria-label={t('build.which_event')}
            w={128}
            allowDeselect={false}
            data={(['last', 'first'] as const).map((one) => ({ value: one, label: t(`build.which_${one}`) }))}
            value={window.which ?? 'last'}
            onChange={(which) => which && onChange({ ...window, which: which as 'last' | 'first' })}
          />
          <EventPick label={t('build.since_event')} value={window.name} error={wrong('window.name')} onChange={(name) => onChange({ ...window, name })} />
          <AddFilter where={window.where ?? []} onChange={(where) => onChange({ ...window, where })} />
          <Filters event={window.name} where={window.where ?? []} onChange={(where) => onChange({ ...window, where })} />
        </>
      );
  }
}

/** When an event counts: ever, rolling with one end or both, between dates, by the calendar, or since something else happened. */
export function WindowEditor<W extends Window = Window>({ window, onChange, fixed, always }: WindowEditorProps<W>) {
  const { t } = useTranslation();
  const kinds = KINDS.filter((one) => !(fixed && one === 'since_event') && !(always && one === 'ever'));
  const change = (next: Window | FixedWindow | null) => onChange(next as Some<W> | null);
  return (
    <Group gap={6}>
      <Select
        aria-label={t('segments.window')}
        w={172}
        allowDeselect={false}
        data={kinds.map((one) => ({ value: one as string, label: t(`segments.window_${one}`) }))}
        value={kindOf(window) as string}
        onChange={(picked) => picked && change(start(picked as Kind))}
      />
      {window && <Inside window={window} onChange={change} />}
    </Group>
  );
}
