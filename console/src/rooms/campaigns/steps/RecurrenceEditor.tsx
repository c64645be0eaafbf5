import { Alert, Chip, Group, NumberInput, Select, Stack, Switch, Text, TextInput } from '@mantine/core';
import { DateInput, DateTimePicker } from '@mantine/dates';
import { useTranslation } from 'react-i18next';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { api, take, type Schema } from '@/api/client';
import { useFormat } from '@/design/format';
import { DAYS, FREQS, read, WEEKLY, write, type Day, type Freq, type Rule } from '../rrule';
import { ZonePick } from './ZonePick';

type Recurrence = Schema<'Recurrence'>;
const MONTH_DAYS = [...Array.from({ length: 31 }, (_, place) => place + 1), -1];

export function newRecurrence(zone: string): Recurrence {
  const tomorrow = new Date(Date.now() + 86_400_000);
  const pad = (value: number) => String(value).padStart(2, '0');
  const day = `${tomorrow.getFullYear()}-${pad(tomorrow.getMonth() + 1)}-${pad(tomorrow.getDate())}`;
  return { rule: write(WEEKLY), starts: `${day}T10:00:00`, zone, local: false, missed: 'latest' };
}

/** How often: every so many days, weeks, months or years, on which days, and until when. */
function RuleForm({ rule, onChange }: { rule: Rule; onChange: (rule: Rule) => void }) {
  const { t, i18n } = useTranslation();
  const put = (part: Partial<Rule>) => onChange({ ...rule, ...part });
  const dayName = (day: Day) => new Intl.DateTimeFormat(i18n.language, { weekday: 'short', timeZone: 'UTC' }).format(Date.UTC(2024, 0, 1 + DAYS.indexOf(day)));
  const end = rule.count !== null ? 'count' : rule.until !== null ? 'until' : 'never';
  return (
    <Stack gap="sm">
      <Group gap="xs" align="flex-end">
        <NumberInput label={t('campaigns.every')} w={90} min={1} max={366} value={rule.interval} onChange={(typed) => put({ interval: Math.max(1, Number(typed) || 1) })} />
        <Select
          aria-label={t('campaigns.frequency')}
          w={150}
          allowDeselect={false}
          data={FREQS.map((one) => ({ value: one, label: t(`campaigns.freq_${one}`, { count: rule.interval }) }))}
          value={rule.freq}
          onChange={(freq) => put({ freq: freq as Freq, days: freq === 'WEEKLY' ? ['MO'] : [], monthDays: freq === 'MONTHLY' ? [1] : [] })}
        />
      </Group>
      {rule.freq === 'WEEKLY' && (
        <Chip.Group multiple value={rule.days} onChange={(days) => put({ days: days as Day[] })}>
          <Group gap={6} role="group" aria-label={t('campaigns.on_days')}>{DAYS.map((day) => <Chip key={day} value={day} size="xs">{dayName(day)}</Chip>)}</Group>
        </Chip.Group>
      )}
      {rule.freq === 'MONTHLY' && (
        <Select
          label={t('campaigns.day_of_month')}
          w={200}
          allowDeselect={false}
          data={MONTH_DAYS.map((day) => ({ value: String(day), label: day < 0 ? t('campaigns.last_day') : String(day) }))}
          value={String(rule.monthDays[0] ?? 1)}
          onChange={(day) => put({ monthDays: [Number(day)] })}
        />
      )}
      <Group gap="xs" align="flex-end">
        <Select
          label={t('campaigns.ends')}
          w={190}
          allowDeselect={false}
          data={(['never', 'count', 'until'] as const).map((one) => ({ value: one, label: t(`campaigns.ends_${one}`) }))}
          value={end}
          onChange={(picked) => put({ count: picked === 'count' ? 10 : null, until: picked === 'until' ? new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 10) : null })}
        />
        {rule.count !== null && <NumberInput aria-label={t('campaigns.ends_count')} w={90} min={1} max={1000} value={rule.count} onChange={(typed) => put({ count: Math.max(1, Number(typed) || 1) })} />}
        {rule.until !== null && <DateInput aria-label={t('campaigns.ends_until')} w={160} value={rule.until} onChange={(until) => until && put({ until })} />}
      </Group>
    </Stack>
  );
}

/** When a recurring campaign is said: the rule in words, and the next times it will come. */
export function RecurrenceEditor({ value, onChange }: { value: Recurrence; onChange: (value: Recurrence) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const rule = read(value.rule);
  const put = (part: Partial<Recurrence>) => onChange({ ...value, ...part });
  const [asked] = useDebouncedValue(value, 350);
  const next = useQuery({
    queryKey: ['recurrence', asked],
    queryFn: () => take(api.POST('/v1/campaigns/recurrence', { body: { recurrence: asked, count: 5 } })),
    placeholderData: keepPreviousData,
    retry: false,
  });
  return (
    <Stack gap="sm">
      {rule ? (
        <RuleForm rule={rule} onChange={(changed) => put({ rule: write(changed) })} />
      ) : (
        <TextInput label={t('campaigns.rule')} description={t('campaigns.rule_hint')} value={value.rule} onChange={(event) => put({ rule: event.currentTarget.value.toUpperCase() })} />
      )}
      <Group align="flex-end" gap="sm">
        <DateTimePicker
          label={t('campaigns.first_time')}
          required
          w={230}
          value={value.starts.replace('T', ' ')}
          onChange={(at) => at && put({ starts: at.replace(' ', 'T') })}
        />
        {!value.local && <ZonePick label={t('campaigns.zone')} value={value.zone ?? 'UTC'} onChange={(zone) => put({ zone })} />}
      </Group>
      <Switch label={t('campaigns.local')} description={t('campaigns.local_hint')} checked={value.local ?? false} onChange={(event) => put({ local: event.currentTarget.checked })} />
      <Select
        label={t('campaigns.missed')}
        description={t('campaigns.missed_hint')}
        maw={330}
        allowDeselect={false}
        data={(['latest', 'all', 'skip'] as const).map((one) => ({ value: one, label: t(`campaigns.missed_${one}`) }))}
        value={value.missed ?? 'latest'}
        onChange={(missed) => put({ missed: missed as Recurrence['missed'] })}
      />
      {next.error && <Alert color="red" role="alert">{next.error.message}</Alert>}
      {next.data && !next.error && (
        <div>
          <Text size="sm" fw={550}>{t(value.local ? 'campaigns.next_times_local' : 'campaigns.next_times')}</Text>
          <Text size="sm" c="dimmed" data-testid="next-times">{next.data.runs.map((at) => format.dateTime(value.local ? at.replace(/(Z|[+-]\d\d:\d\d)$/, '') : at)).join(' · ')}</Text>
        </div>
      )}
    </Stack>
  );
}
