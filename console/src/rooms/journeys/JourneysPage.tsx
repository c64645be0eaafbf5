import { Anchor, Button, FileButton, Group, Menu, Text, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { usePages } from '@/api/pages';
import { useMay } from '@/api/session';
import { DataTable } from '@/design/DataTable';
import { EmptyState } from '@/design/EmptyState';
import { useFormat } from '@/design/format';
import { IconDots, IconJourneys, IconPlus, IconSearch, IconUpload } from '@/design/icons';
import { Mark } from '@/design/Mark';
import { Moment } from '@/design/Moment';
import { Page } from '@/design/Page';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Sparkline } from '@/design/Sparkline';
import { StatePick } from '@/design/StatePick';
import { Status } from '@/design/Status';
import { done, failed } from '@/design/toast';
import { useAddress } from '@/shell/address';
import { pathOf } from './api';
import { NewJourney } from './NewJourney';
import { Templates } from './Templates';
import { importYaml } from './yaml';

type Item = Schema<'JourneyItem'>;
const STATES: Item['state'][] = ['draft', 'live', 'paused', 'finished', 'archived'];

/** What can be done to a journey from the list. */
function Actions({ one, onCopy }: { one: Item; onCopy: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const archive = useMutation({
    mutationFn: (archived: boolean) => take(api.PATCH('/v1/journeys/{journey_id}', { ...pathOf(one.id), body: { archived } })),
    onSuccess: (_, archived) => {
      void client.invalidateQueries({ queryKey: ['journeys'] });
      done(t(archived ? 'journeys.archived' : 'journeys.restored', { name: one.name }), archived ? () => archive.mutate(false) : undefined);
    },
    onError: failed,
  });
  return (
    <Menu position="bottom-end">
      <Menu.Target><Button variant="subtle" color="gray" size="compact-sm" px={6} aria-label={t('journeys.actions_of', { name: one.name })}><IconDots size={16} /></Button></Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={onCopy}>{t('journeys.make_copy')}</Menu.Item>
        {(one.state === 'draft' || one.state === 'finished') && <Menu.Item onClick={() => archive.mutate(true)}>{t('common.archive')}</Menu.Item>}
        {one.state === 'archived' && <Menu.Item onClick={() => archive.mutate(false)}>{t('common.restore')}</Menu.Item>}
      </Menu.Dropdown>
    </Menu>
  );
}

/** Every journey, and how many people are in each. */
export default function JourneysPage() {
  const { t } = useTranslation();
  const format = useFormat();
  const navigate = useNavigate();
  const mayWrite = useMay('journeys:write');
  const [address, change] = useAddress<'q' | 'state' | 'new'>();
  const [copying, setCopying] = useState<Item | null>(null);
  const typing = useDebouncedCallback((q: string) => change({ q }), 300);
  const list = usePages(
    ['journeys', address.q, address.state],
    (cursor) => take(api.GET('/v1/journeys', { params: { query: { text: address.q, state: address.state as Item['state'] | undefined, cursor, limit: 50 } } })),
    { refetchInterval: 5000 },
  );
  const bring = useMutation({
    mutationFn: (file: File) => importYaml(file),
    onSuccess: (journey) => void navigate({ to: `/journeys/${journey.id}` }),
    onError: failed,
  });
  const making = address.new === '1' || copying !== null;
  const actions = mayWrite && (
    <>
      <FileButton accept=".yaml,.yml,application/yaml,text/yaml" onChange={(file) => file && bring.mutate(file)}>
        {(props) => <Button {...props} variant="default" leftSection={<IconUpload size={16} />} loading={bring.isPending}>{t('journeys.import')}</Button>}
      </FileButton>
      <Button leftSection={<IconPlus size={16} />} onClick={() => change({ new: '1' })}>{t('journeys.new')}</Button>
    </>
  );
  const nothing = list.rows?.length === 0 && !address.q && !address.state;
  return (
    <Page title={t('nav.journeys')} lead={t('journeys.lead')} actions={actions}>
      {!nothing && (
        <Group mb="md">
          <TextInput aria-label={t('common.search')} placeholder={t('common.search')} leftSection={<IconSearch size={15} />} defaultValue={address.q ?? ''} onChange={(event) => typing(event.currentTarget.value)} w={260} />
          <StatePick states={STATES} value={address.state} onChange={(state) => change({ state })} />
        </Group>
      )}
      <ProblemAlert error={list.error} onRetry={list.retry} />
      {nothing ? (
        <Panel>
          <EmptyState icon={IconJourneys} title={t('journeys.empty')}>{t('journeys.empty_hint')}</EmptyState>
          {mayWrite && <Templates onPick={(name) => void navigate({ to: '/journeys', search: { new: '1', from: name } as never })} />}
        </Panel>
      ) : (
        <Panel flush>
          <DataTable
            label={t('nav.journeys')}
            rows={list.rows}
            loading={list.loading}
            rowKey={(one) => one.id}
            onOpen={(one) => void navigate({ to: `/journeys/${one.id}` })}
            more={list.more}
            loadingMore={list.loadingMore}
            empty={<EmptyState icon={IconJourneys} title={t('journeys.none_found')} />}
            columns={[
              {
                key: 'name',
                head: t('common.name'),
                cell: (one) => (
                  <div>
                    <Anchor component={Link} to={`/journeys/${one.id}`} size="sm" fw={550}>{one.name}</Anchor>
                    <Text size="xs" c="dimmed" lineClamp={1}>{one.description || t('journeys.steps_n', { count: one.steps })}</Text>
                  </div>
                ),
              },
              {
                key: 'state',
                head: t('common.state'),
                cell: (one) => (
                  <Group gap={6} wrap="nowrap">
                    <Status state={one.state} />
                    {one.unpublished && one.live_version !== null && one.state !== 'archived' && <Mark colour="yellow">{t('journeys.unpublished')}</Mark>}
                  </Group>
                ),
              },
              { key: 'inside', head: t('journeys.inside'), right: true, cell: (one) => <Text size="sm" className="tabular">{format.number(one.inside)}</Text> },
              { key: 'entered', head: t('journeys.entered'), right: true, cell: (one) => <Text size="sm" className="tabular">{format.number(one.entered)}</Text> },
              {
                key: 'converted',
                head: t('journeys.converted'),
                right: true,
                cell: (one) => (
                  <Text size="sm" className="tabular">{one.entered > 0 ? `${format.number(one.converted)} · ${format.percent(one.converted, one.entered)}` : '—'}</Text>
                ),
              },
              { key: 'days', head: t('journeys.entered_days'), cell: (one) => <Sparkline label={t('journeys.entered_days_of', { name: one.name })} values={one.days} /> },
              { key: 'at', head: t('common.updated'), right: true, cell: (one) => <Moment at={one.changed_at} /> },
              ...(mayWrite ? [{ key: 'do', head: '', right: true, cell: (one: Item) => <Actions one={one} onCopy={() => setCopying(one)} /> }] : []),
            ]}
          />
        </Panel>
      )}
      {making && <NewJourney copyOf={copying} onClose={() => { setCopying(null); change({ new: null, from: null } as never); }} />}
    </Page>
  );
}
