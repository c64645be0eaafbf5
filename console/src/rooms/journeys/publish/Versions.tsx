import { Alert, Button, Group, Modal, Progress, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { DataTable } from '@/design/DataTable';
import { useFormat } from '@/design/format';
import { IconHistory, IconRestore } from '@/design/icons';
import { EmptyState } from '@/design/EmptyState';
import { Moment } from '@/design/Moment';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Status } from '@/design/Status';
import { pathOf, type Journey } from '../api';
import type { Kind } from '../exits';
import { whole, type Definition } from '../model';
import { DiffView, Still } from './DiffView';
import { Rollback } from './Rollback';
import styles from '../journeys.module.css';

/** A version as it was frozen. */
export function useVersion(id: number, number: number | null) {
  return useQuery({
    queryKey: ['journey-version', id, number],
    queryFn: () => take(api.GET('/v1/journeys/{journey_id}/versions/{number}', { params: { path: { journey_id: id, number: number ?? 1 } } })),
    enabled: number !== null,
    staleTime: Infinity,
  });
}

interface Frozen {
  number: number;
  drawn: Definition;
}

/** All that was ever live: looked at, compared with what is live, gone back to. */
export function Versions({ journey, kinds, mayPublish }: { journey: Journey; kinds: ReadonlyMap<string, Kind>; mayPublish: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [looking, setLooking] = useState<number | null>(null);
  const [rolling, setRolling] = useState<number | null>(null);
  const list = useQuery({ queryKey: ['journey-versions', journey.id], queryFn: () => take(api.GET('/v1/journeys/{journey_id}/versions', pathOf(journey.id))), refetchInterval: journey.moving ? 1500 : 15_000 });
  const seen = useVersion(journey.id, looking);
  const live = useVersion(journey.id, journey.live_version);
  const target = useVersion(journey.id, rolling);
  const earlier = useMemo(() => (target.data ? whole(target.data.definition as unknown as Partial<Definition>) : null), [target.data]);
  const shown = useMemo(() => (seen.data ? whole(seen.data.definition as unknown as Partial<Definition>) : null), [seen.data]);
  const current = useMemo(() => (live.data ? whole(live.data.definition as unknown as Partial<Definition>) : null), [live.data]);
  const pair = shown && current && looking !== null && journey.live_version !== null && looking !== journey.live_version;
  const compared = pair && [{ number: looking, drawn: shown }, { number: journey.live_version as number, drawn: current }].sort((one, other) => one.number - other.number) as [Frozen, Frozen];
  const { moving } = journey;
  return (
    <Stack>
      {moving && moving.state === 'open' && (
        <Alert color="iris" role="status">
          <Text size="sm">{t('journeys.moving', { part: format.number(moving.moved + moving.gone), total: format.number(moving.total) })}</Text>
          <Progress mt={6} size="sm" value={moving.total > 0 ? (100 * (moving.moved + moving.gone)) / moving.total : 0} animated aria-label={t('journeys.moving_label')} />
        </Alert>
      )}
      <Panel title={t('journeys.tab.versions')} flush>
        <ProblemAlert error={list.error} />
        <DataTable
          label={t('journeys.tab.versions')}
          rows={list.data?.items}
          loading={list.isLoading}
          rowKey={(one) => one.id}
          onOpen={(one) => setLooking(one.number)}
          empty={<EmptyState icon={IconHistory} title={t('journeys.no_versions')}>{t('journeys.no_versions_hint')}</EmptyState>}
          columns={[
            { key: 'number', head: t('journeys.version'), cell: (one) => <Group gap={6} wrap="nowrap"><Button variant="subtle" size="compact-sm" onClick={() => setLooking(one.number)}>{t('journeys.version_n', { version: one.number })}</Button>{one.live && <Status state="live" size="sm" />}</Group> },
            { key: 'note', head: t('journeys.note'), cell: (one) => <Text size="sm">{one.note || '—'}</Text> },
            { key: 'inside', head: t('journeys.inside'), right: true, cell: (one) => <Text size="sm" className="tabular">{format.number(one.inside)}</Text> },
            { key: 'treatment', head: t('journeys.people_then'), cell: (one) => <Text size="sm" c="dimmed">{one.treatment?.kind ? t(`journeys.treat.${String(one.treatment.kind)}`) : '—'}</Text> },
            { key: 'by', head: t('journeys.published_by'), cell: (one) => <Text size="sm" c="dimmed">{one.approval?.decided_by ? t('journeys.approved_by', { who: one.published_by, approver: one.approval.decided_by }) : one.published_by}</Text> },
            { key: 'at', head: t('common.when'), right: true, cell: (one) => <Moment at={one.published_at} /> },
            ...(mayPublish ? [{ key: 'back', head: '', right: true, cell: (one: { number: number; live: boolean }) => !one.live && (journey.state === 'live' || journey.state === 'paused') ? <Button size="compact-xs" variant="default" leftSection={<IconRestore size={13} />} onClick={() => setRolling(one.number)}>{t('journeys.roll_back')}</Button> : null }] : []),
          ]}
        />
      </Panel>
      <Modal opened={looking !== null} onClose={() => setLooking(null)} size={1080} title={t('journeys.version_n', { version: looking ?? '' })} closeButtonProps={{ 'aria-label': t('common.close') }}>
        <ProblemAlert error={seen.error} />
        {!shown && !seen.error && <Skeleton height={300} />}
        {shown && !compared && (looking === journey.live_version || journey.live_version === null) && <div className={styles.half}><Still label={t('journeys.version_n', { version: looking ?? '' })} definition={shown} kinds={kinds} /></div>}
        {compared && <DiffView before={compared[0].drawn} after={compared[1].drawn} kinds={kinds} names={[t('journeys.version_n', { version: compared[0].number }), t('journeys.version_n', { version: compared[1].number })]} />}
      </Modal>
      {rolling !== null && earlier && current && <Rollback journey={journey} number={rolling} before={current} after={earlier} onClose={() => setRolling(null)} />}
    </Stack>
  );
}
