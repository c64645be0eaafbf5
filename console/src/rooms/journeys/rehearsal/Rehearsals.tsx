import { Alert, Button, Group, Progress, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useMay } from '@/api/session';
import { DataTable } from '@/design/DataTable';
import { EmptyState } from '@/design/EmptyState';
import { useFormat } from '@/design/format';
import { IconChevronLeft, IconPlay, IconRefresh } from '@/design/icons';
import { Moment } from '@/design/Moment';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Status } from '@/design/Status';
import { useAddress } from '@/shell/address';
import { pathOf, type Journey } from '../api';
import type { Draft } from '../draft';
import type { Kind } from '../exits';
import { Report } from './Report';
import { StartRehearsal } from './StartRehearsal';

type Item = Schema<'RehearsalItem'>;

interface RehearsalsProps {
  journey: Journey;
  draft: Draft;
  kinds: ReadonlyMap<string, Kind>;
}

const GOING = new Set(['waiting', 'running']);

function HowFar({ one }: { one: Item }) {
  const { t } = useTranslation();
  if (!GOING.has(one.state)) return <Status state={one.state} />;
  return <Progress value={one.total ? (100 * (one.done ?? 0)) / one.total : 0} animated size="sm" miw={120} aria-label={t('rehearsal.progress')} />;
}

/** One rehearsal: how far it is, then what it found. */
function One({ journey, id, kinds }: { journey: Journey; id: number; kinds: ReadonlyMap<string, Kind> }) {
  const { t } = useTranslation();
  const found = useQuery({
    queryKey: ['rehearsal', journey.id, id],
    queryFn: () => take(api.GET('/v1/journeys/{journey_id}/rehearsals/{rehearsal_id}', { params: { path: { journey_id: journey.id, rehearsal_id: id } } })),
    refetchInterval: (query) => (query.state.data && !GOING.has(query.state.data.state) ? false : 700),
  });
  const one = found.data;
  if (found.error) return <ProblemAlert error={found.error} />;
  if (!one || GOING.has(one.state)) {
    return (
      <Panel>
        <Text size="sm" mb={6} role="status">{t('rehearsal.running')}</Text>
        <Progress value={one?.total ? (100 * (one.done ?? 0)) / one.total : 0} animated aria-label={t('rehearsal.progress')} />
      </Panel>
    );
  }
  if (!one.report) return <Alert color="red">{t('rehearsal.failed', { reason: one.error ?? one.state })}</Alert>;
  return <Report report={one.report} definition={one.definition} kinds={kinds} />;
}

/** What would happen, before anything is sent: rehearsals of this journey, and the report of each. */
export default function Rehearsals({ journey, draft, kinds }: RehearsalsProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const may = useMay('journeys:write');
  const [address, change] = useAddress<'rehearsal'>();
  const [starting, setStarting] = useState(false);
  const open = address.rehearsal ? Number(address.rehearsal) : null;
  const list = useQuery({
    queryKey: ['rehearsals', journey.id],
    queryFn: () => take(api.GET('/v1/journeys/{journey_id}/rehearsals', pathOf(journey.id))),
    refetchInterval: (query) => (query.state.data?.items.some((one) => GOING.has(one.state)) ? 1000 : 15_000),
  });
  const start = may && <Button leftSection={open === null ? <IconPlay size={16} /> : <IconRefresh size={16} />} onClick={() => setStarting(true)}>{t('rehearsal.start')}</Button>;
  return (
    <Stack>
      <Group justify="space-between">
        {open === null ? <Text size="sm" c="dimmed" maw={620}>{t('rehearsal.lead')}</Text> : (
          <Button variant="subtle" size="compact-sm" leftSection={<IconChevronLeft size={14} />} onClick={() => change({ rehearsal: null })}>{t('rehearsal.title')}</Button>
        )}
        {start}
      </Group>
      {open !== null ? <One journey={journey} id={open} kinds={kinds} /> : (
        <Panel flush>
          <ProblemAlert error={list.error} />
          <DataTable
            label={t('rehearsal.title')}
            rows={list.data?.items}
            loading={list.isLoading}
            rowKey={(one) => one.id}
            onOpen={(one) => change({ rehearsal: String(one.id) })}
            empty={<EmptyState icon={IconPlay} title={t('rehearsal.none')} action={start}>{t('rehearsal.none_hint')}</EmptyState>}
            columns={[
              { key: 'when', head: t('rehearsal.when'), cell: (one) => <Group gap={8} wrap="nowrap"><Button variant="subtle" size="compact-sm" onClick={() => change({ rehearsal: String(one.id) })}>{t('rehearsal.open_report')}</Button><Moment at={one.created_at} /></Group> },
              { key: 'mode', head: t('rehearsal.mode'), cell: (one) => <Text size="sm">{t(`rehearsal.mode_${one.asked.mode ?? 'history'}`)}</Text> },
              { key: 'days', head: t('rehearsal.days'), right: true, cell: (one) => format.number(one.asked.days ?? 90) },
              { key: 'state', head: t('rehearsal.state'), width: 180, cell: (one) => <HowFar one={one} /> },
              { key: 'by', head: t('rehearsal.by'), cell: (one) => <Text size="sm" c="dimmed">{one.created_by}</Text> },
            ]}
          />
        </Panel>
      )}
      {starting && <StartRehearsal journey={journey} draft={draft} onStarted={(id) => { setStarting(false); change({ rehearsal: String(id) }); }} onClose={() => setStarting(false)} />}
    </Stack>
  );
}
