import { Anchor, Button, Chip, Drawer, Group, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { usePages } from '@/api/pages';
import { DataTable } from '@/design/DataTable';
import { EmptyState } from '@/design/EmptyState';
import { useFormat } from '@/design/format';
import { IconChevronLeft, IconCustomers } from '@/design/icons';
import { Moment } from '@/design/Moment';
import { ProblemAlert } from '@/design/ProblemAlert';
import type { Journey } from '../api';
import { arrowOf, type Numbers } from '../canvas/state';
import { exitsOf, type Kind } from '../exits';
import { stepOf, type Definition } from '../model';
import { useExitName, useStepName } from '../told';
import { PersonPath } from './PersonPath';

/** No exit is called so. */
const HERE = '-';

interface PeopleProps {
  journey: Journey;
  definition: Definition;
  version: number | null;
  step?: string;
  exit?: string;
  numbers: Numbers;
  kinds: ReadonlyMap<string, Kind>;
  /** Shows those who went by an exit of the same step, or who stand at it. */
  onStep: (exit?: string) => void;
  onClose: () => void;
}

interface Row {
  profile_id: number;
  name: string;
  run_id: number;
  step: string | null;
  title: string;
  /** When they came to the step, or went by the exit. */
  at: string;
  wake_at: string | null;
  key: string;
}

/** Who stands at a step (or anywhere), or went by an exit of it, as rows of one kind. */
async function read(journey: number, version: number | null, cursor: string | undefined, step?: string, exit?: string): Promise<{ items: Row[]; next?: string | null }> {
  const path = { journey_id: journey };
  if (step && exit) {
    const page = await take(api.GET('/v1/journeys/{journey_id}/passed', { params: { path, query: { step, exit, version: version ?? undefined, cursor, limit: 50 } } }));
    return { items: page.items.map((one) => ({ ...one, at: one.went_at, key: '' })), next: page.next };
  }
  const page = await take(api.GET('/v1/journeys/{journey_id}/people', { params: { path, query: { step, version: step && version !== null ? version : undefined, cursor, limit: 50 } } }));
  return { items: page.items.map((one) => ({ ...one, at: one.arrived_at })), next: page.next };
}

/** The people behind a number: who stands at a step, or went by an exit, where each is now and until when. */
export function People({ journey, definition, version, step, exit, numbers, kinds, onStep, onClose }: PeopleProps) {
  const { t } = useTranslation();
  const stepName = useStepName(definition);
  const exitName = useExitName();
  const format = useFormat();
  const shown = step ? stepOf(definition, step) : undefined;
  const [person, setPerson] = useState<{ id: number; name: string } | null>(null);
  const list = usePages(
    ['journey-people', journey.id, version, step, exit],
    (cursor) => read(journey.id, version, cursor, step, exit),
    { refetchInterval: exit ? undefined : 5000 },
  );
  const title = person
    ? person.name
    : step && exit
      ? t('journeys.people_went', { step: stepName(step), exit: exitName(exit, stepOf(definition, step)) })
      : step
        ? t('journeys.people_at', { step: stepName(step) })
        : t('journeys.everybody_inside');
  return (
    <Drawer opened onClose={onClose} size="xl" title={title} closeButtonProps={{ 'aria-label': t('common.close') }}>
      {person ? (
        <Stack gap="sm">
          <Button variant="subtle" size="compact-sm" w="fit-content" leftSection={<IconChevronLeft size={14} />} onClick={() => setPerson(null)}>{t('journeys.back_to_people')}</Button>
          <PersonPath journey={journey} definition={definition} profile={person.id} />
        </Stack>
      ) : (
        <>
          {shown && (
            <Chip.Group value={exit ?? HERE} onChange={(next) => onStep(next === HERE ? undefined : String(next))}>
              <Group gap={6} mb="sm" role="group" aria-label={t('journeys.which_people')}>
                <Chip size="xs" value={HERE}>{`${t('journeys.here_now')} · ${format.number(numbers.waiting.get(shown.key) ?? 0)}`}</Chip>
                {exitsOf(shown, kinds).map((one) => <Chip key={one} size="xs" value={one}>{`${exitName(one, shown)} · ${format.number(numbers.arrows.get(arrowOf(shown.key, one)) ?? 0)}`}</Chip>)}
              </Group>
            </Chip.Group>
          )}
          <ProblemAlert error={list.error} onRetry={list.retry} />
          <DataTable
            label={title}
            rows={list.rows}
            loading={list.loading}
            rowKey={(one) => one.run_id}
            onOpen={(one) => setPerson({ id: one.profile_id, name: one.name })}
            more={list.more}
            loadingMore={list.loadingMore}
            empty={<EmptyState icon={IconCustomers} title={t('journeys.nobody_here')} />}
            columns={[
              { key: 'name', head: t('common.customer'), cell: (one) => <Anchor component="button" size="sm" onClick={() => setPerson({ id: one.profile_id, name: one.name })}>{one.name}</Anchor> },
              ...(step && !exit ? [] : [{ key: 'step', head: t('journeys.step'), cell: (one: Row) => <Text size="sm">{one.step ? one.title || stepName(one.step) : t('journeys.no_more_inside')}</Text> }]),
              { key: 'since', head: t(exit ? 'journeys.went_at' : 'journeys.since'), cell: (one) => <Moment at={one.at} /> },
              { key: 'until', head: t('journeys.until'), cell: (one) => (one.wake_at ? <Moment at={one.wake_at} /> : <Text size="sm" c="dimmed">{one.step ? t('journeys.until_heard') : '—'}</Text>) },
              ...(exit ? [] : [{ key: 'key', head: t('journeys.entered_for'), cell: (one: Row) => <Text size="sm" c="dimmed">{one.key || '—'}</Text> }]),
            ]}
          />
        </>
      )}
    </Drawer>
  );
}
