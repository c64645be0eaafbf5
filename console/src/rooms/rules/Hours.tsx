import { ActionIcon, Button, Chip, Group, Stack, Switch, Text, Title } from '@mantine/core';
import { TimeInput } from '@mantine/dates';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useMay } from '@/api/session';
import { IconPlus, IconTrash } from '@/design/icons';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done } from '@/design/toast';
import { ZonePick } from '../campaigns/steps/ZonePick';
import { DayBand } from './DayBand';
import styles from './rules.module.css';

type Clocks = Schema<'Clocks'>;
type Quiet = NonNullable<Clocks['quiet']>;
type Windows = NonNullable<Clocks['windows']>;
type Window = NonNullable<Windows[keyof Windows]>[number];
const CLASSES = ['marketing', 'service', 'transactional'] as const;
type Class = (typeof CLASSES)[number];

function Span({ from, to, onChange }: { from: string; to: string; onChange: (part: { from?: string; to?: string }) => void }) {
  const { t } = useTranslation();
  return (
    <Group gap={6} wrap="nowrap">
      <TimeInput aria-label={t('rules.from')} w={100} value={from} onChange={(event) => event.currentTarget.value && onChange({ from: event.currentTarget.value.slice(0, 5) })} />
      <Text size="sm" c="dimmed">–</Text>
      <TimeInput aria-label={t('rules.to')} w={100} value={to} onChange={(event) => event.currentTarget.value && onChange({ to: event.currentTarget.value.slice(0, 5) })} />
    </Group>
  );
}

interface ClassHoursProps {
  name: Class;
  clocks: Clocks;
  onChange: (clocks: Clocks) => void;
}

function ClassHours({ name, clocks, onChange }: ClassHoursProps) {
  const { t, i18n } = useTranslation();
  const quiet: Quiet = clocks.quiet ?? {};
  const windows: Windows = clocks.windows ?? {};
  const own = windows[name] ?? [];
  const hours = quiet[name];
  const putQuiet = (next: Quiet[Class] | null) => onChange({ ...clocks, quiet: Object.fromEntries(Object.entries({ ...quiet, [name]: next }).filter(([, one]) => one)) as Quiet });
  const putWindows = (next: Window[]) => onChange({ ...clocks, windows: Object.fromEntries(Object.entries({ ...windows, [name]: next }).filter(([, one]) => one && one.length > 0)) as Windows });
  const dayName = (day: number) => new Intl.DateTimeFormat(i18n.language, { weekday: 'short', timeZone: 'UTC' }).format(Date.UTC(2024, 0, day));
  const title = t(`campaigns.class_name.${name}`);
  return (
    <section aria-label={title} className={styles.class}>
      <Title order={3} mb="xs">{title}</Title>
      <DayBand label={t('rules.band', { name: title })} quiet={hours ?? null} windows={own} />
      <Group mt="sm" gap="md">
        <Switch label={t('rules.quiet')} checked={Boolean(hours)} onChange={(event) => putQuiet(event.currentTarget.checked ? { from: '22:00', to: '08:00' } : null)} />
        {hours && <Span from={hours.from} to={hours.to} onChange={(part) => putQuiet({ ...hours, ...part })} />}
      </Group>
      <Stack gap="xs" mt="sm">
        {own.map((window, place) => {
          const put = (part: Partial<Window>) => putWindows(own.map((one, at) => (at === place ? { ...one, ...part } : one)));
          return (
            <Group key={place} gap="sm">
              <Text size="sm">{t('rules.only')}</Text>
              <Chip.Group multiple value={window.days.map(String)} onChange={(days) => days.length > 0 && put({ days: days.map(Number).sort() as Window['days'] })}>
                <Group gap={4} role="group" aria-label={t('rules.days')}>{[1, 2, 3, 4, 5, 6, 7].map((day) => <Chip key={day} size="xs" value={String(day)}>{dayName(day)}</Chip>)}</Group>
              </Chip.Group>
              <Span from={window.from} to={window.to} onChange={put} />
              <ActionIcon variant="subtle" color="red" aria-label={t('rules.window_remove')} onClick={() => putWindows(own.toSpliced(place, 1))}><IconTrash size={16} /></ActionIcon>
            </Group>
          );
        })}
        <Button size="xs" variant="default" w="fit-content" leftSection={<IconPlus size={14} />} onClick={() => putWindows([...own, { days: [1, 2, 3, 4, 5], from: '09:00', to: '18:00' }])}>
          {t('rules.window_add')}
        </Button>
      </Stack>
    </section>
  );
}

/** When nothing is said, and when alone something is, by the customer's own clock; each class drawn as a day. */
export function Hours() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const may = useMay('delivery:rules');
  const stored = useQuery({ queryKey: ['clocks'], queryFn: () => take(api.GET('/v1/delivery/clocks')) });
  const [clocks, setClocks] = useState<Clocks | null>(null);
  useEffect(() => {
    if (stored.data) setClocks(stored.data);
  }, [stored.data]);
  const save = useMutation({
    mutationFn: (body: Clocks) => take(api.PUT('/v1/delivery/clocks', { body })),
    onSuccess: (saved) => {
      client.setQueryData(['clocks'], saved);
      done(t('rules.hours_saved'));
    },
  });
  const dirty = JSON.stringify(clocks) !== JSON.stringify(stored.data);
  return (
    <Panel
      title={t('rules.hours')}
      hint={t('rules.hours_hint')}
      actions={may && clocks && <Button size="xs" disabled={!dirty} loading={save.isPending} onClick={() => save.mutate(clocks)}>{t('common.save')}</Button>}
    >
      <ProblemAlert error={stored.error ?? save.error} />
      {clocks && (
        <fieldset disabled={!may} className={styles.fields}>
          <ZonePick w={330} label={t('rules.zone')} value={clocks.timezone} onChange={(timezone) => setClocks({ ...clocks, timezone })} />
          <Text size="xs" c="dimmed" mt={4}>{t('rules.zone_hint')}</Text>
          <Stack gap="lg" mt="lg">{CLASSES.map((name) => <ClassHours key={name} name={name} clocks={clocks} onChange={setClocks} />)}</Stack>
        </fieldset>
      )}
    </Panel>
  );
}
