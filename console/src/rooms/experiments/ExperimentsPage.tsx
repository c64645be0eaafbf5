import { Anchor, Button, Group, Select, Text, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { usePages } from '@/api/pages';
import { useMay } from '@/api/session';
import { DataTable } from '@/design/DataTable';
import { EmptyState } from '@/design/EmptyState';
import { useFormat } from '@/design/format';
import { IconExperiment, IconPlus, IconSearch } from '@/design/icons';
import { Mark } from '@/design/Mark';
import { Page } from '@/design/Page';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Status } from '@/design/Status';
import { useAddress } from '@/shell/address';
import { WatchHoldout } from './WatchHoldout';

type One = Schema<'ExperimentShown'>;
const STATES = ['draft', 'running', 'stopped', 'finished'] as const;

/** What is tried, what was, and what came of it. */
export default function ExperimentsPage() {
  const { t } = useTranslation();
  const format = useFormat();
  const navigate = useNavigate();
  const may = useMay('experiments:write');
  const [watching, setWatching] = useState(false);
  const [address, change] = useAddress<'q' | 'state'>();
  const seek = useDebouncedCallback((q: string) => change({ q }), 250);
  const state = STATES.find((one) => one === address.state);
  const sought = Boolean(address.q) || state !== undefined;
  const list = usePages(
    ['experiments', address.q, state],
    (cursor) => take(api.GET('/v1/experiments', { params: { query: { text: address.q, state, cursor, limit: 50 } } })),
    { refetchInterval: 5000 },
  );
  const holdouts = useQuery({ queryKey: ['holdouts'], queryFn: () => take(api.GET('/v1/holdouts')) });
  const unwatched = holdouts.data?.some((one) => one.enabled && one.name === 'universal') && list.rows?.every((one) => one.key !== 'holdout-universal');
  const add = may && <Button component={Link} to="/experiments/new" leftSection={<IconPlus size={16} />}>{t('experiments.new')}</Button>;
  return (
    <Page
      title={t('nav.experiments')}
      lead={t('experiments.lead')}
      actions={
        <>
          <Button component={Link} to="/experiments/plan" variant="default">{t('experiments.planner')}</Button>
          <Button component={Link} to="/experiments/layers" variant="default">{t('experiments.layers')}</Button>
          {may && unwatched && <Button variant="default" onClick={() => setWatching(true)}>{t('experiments.watch_holdout')}</Button>}
          {add}
        </>
      }
    >
      <Group mb="sm" gap="sm">
        <TextInput aria-label={t('common.search')} placeholder={t('common.search')} leftSection={<IconSearch size={15} />} w={260} defaultValue={address.q ?? ''} onChange={(event) => seek(event.currentTarget.value)} />
        <Select aria-label={t('common.state')} placeholder={t('common.state')} clearable clearButtonProps={{ 'aria-label': t('common.clear') }} w={170} data={STATES.map((one) => ({ value: one, label: t(`state.${one}`) }))} value={state ?? null} onChange={(next) => change({ state: next })} />
      </Group>
      <ProblemAlert error={list.error} onRetry={list.retry} />
      <Panel flush>
        <DataTable<One>
          label={t('nav.experiments')}
          rows={list.rows}
          loading={list.loading}
          rowKey={(one) => one.id}
          onOpen={(one) => void navigate({ to: `/experiments/${one.id}` })}
          more={list.more}
          loadingMore={list.loadingMore}
          empty={sought ? <EmptyState icon={IconExperiment} title={t('experiments.none_found')}>{t('experiments.none_found_hint')}</EmptyState> : <EmptyState icon={IconExperiment} title={t('experiments.empty')} action={add}>{t('experiments.empty_hint')}</EmptyState>}
          columns={[
            {
              key: 'name',
              head: t('common.name'),
              cell: (one) => (
                <div>
                  <Anchor component={Link} to={`/experiments/${one.id}`} size="sm" fw={550}>{one.design.name}</Anchor>
                  <Text size="xs" c="dimmed">{`${one.key} · ${format.list(one.design.arms.map((arm) => arm.title || arm.key))}`}</Text>
                </div>
              ),
            },
            { key: 'kind', head: t('experiments.sort'), cell: (one) => <Text size="sm" c="dimmed">{t(`experiments.sort_${one.kind}`)}</Text> },
            { key: 'state', head: t('common.state'), cell: (one) => <Group gap={6}><Status state={one.state} />{(one.alarms ?? 0) > 0 && <Mark colour="red">{t('experiments.alarms', { count: one.alarms ?? 0 })}</Mark>}</Group> },
            { key: 'people', head: t('experiments.people'), right: true, cell: (one) => format.number(one.people) },
            { key: 'since', head: t('experiments.since'), right: true, cell: (one) => format.date(one.started_at) },
          ]}
        />
      </Panel>
      {watching && <WatchHoldout onClose={() => setWatching(false)} onMade={(made) => void navigate({ to: `/experiments/${made.id}` })} />}
    </Page>
  );
}
