import { Button, Menu, Skeleton, Tabs } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useBlocker, useNavigate, useParams } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { Problem } from '@/api/problem';
import { useMay } from '@/api/session';
import { useFormat } from '@/design/format';
import { IconDots } from '@/design/icons';
import { Page } from '@/design/Page';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done, failed } from '@/design/toast';
import { useAddress } from '@/shell/address';
import { useHistory, useUndoKeys } from './builder/history';
import { Definition, type Draft } from './Definition';
import { Growth } from './Growth';
import { Members } from './Members';
import { PublishDialog } from './PublishDialog';
import { Freshness } from './SegmentsPage';
import { asGroup, isComplete } from './tree';
import { Versions } from './Versions';

const START: Draft = { name: '', description: '', announce: 'changes', tree: { kind: 'and', of: [] } };
const LIST: Draft = { ...START, tree: null };

function draftOf(item: Schema<'SegmentItem'>): Draft {
  const { name, description, announce, tree } = item;
  return { name, description, announce, tree: tree && asGroup(tree) };
}

/** Building a segment and watching it: definition with a live count, members, growth. */
export default function SegmentPage() {
  const { t } = useTranslation();
  const format = useFormat();
  const navigate = useNavigate();
  const client = useQueryClient();
  const id = (useParams({ strict: false }) as { id?: string }).id;
  const [address, change] = useAddress<'tab' | 'by'>();
  const start = address.by === 'hand' ? LIST : START;
  const may = useMay('segments:write');
  const mayUse = useMay('campaigns:write');
  const history = useHistory<Draft>(start);
  const { value: draft, begin } = history;
  useUndoKeys(history);
  const [kept, setKept] = useState<Draft>(start);
  const [asking, setAsking] = useState(false);
  const path = { params: { path: { segment_id: Number(id) } } };
  const stored = useQuery({
    queryKey: ['segment', id],
    queryFn: () => take(api.GET('/v1/segments/{segment_id}', path)),
    enabled: id !== undefined,
    refetchInterval: (query) => (query.state.data?.refreshing ? 1000 : 10_000),
  });
  const item = stored.data;
  const version = item?.updated_at;
  useEffect(() => {
    if (!item) return;
    begin(draftOf(item));
    setKept(draftOf(item));
    // Only another stored version replaces what is being written; a refreshed size does not.
  }, [version]); // eslint-disable-line react-hooks/exhaustive-deps
  const dirty = JSON.stringify(draft) !== JSON.stringify(kept);
  const otherTree = item?.tree && draft.tree && JSON.stringify(draft.tree) !== JSON.stringify(kept.tree);
  useBlocker({ shouldBlockFn: () => dirty && !window.confirm(t('content.leave')), enableBeforeUnload: dirty });

  const save = useMutation({
    mutationFn: (body: Draft) => (id ? take(api.PUT('/v1/segments/{segment_id}', { ...path, body })) : take(api.POST('/v1/segments', { body }))),
    onSuccess: (saved, body) => {
      setKept(body);
      client.setQueryData(['segment', String(saved.id)], saved);
      void client.invalidateQueries({ queryKey: ['segments'] });
      done(t('segments.published'));
      const search = saved.kind === 'static' ? ({ tab: 'members' } as never) : undefined;
      if (!id) void navigate({ to: `/segments/${saved.id}`, search, replace: true, ignoreBlocker: true });
    },
    onError: failed,
  });
  const restore = useMutation({
    mutationFn: () => take(api.POST('/v1/segments/{segment_id}/restore', path)),
    onSuccess: () => {
      done(t('segments.restored'));
      void client.invalidateQueries({ queryKey: ['segment'] });
      void client.invalidateQueries({ queryKey: ['segments'] });
    },
    onError: failed,
  });
  const archive = useMutation({
    mutationFn: () => take(api.DELETE('/v1/segments/{segment_id}', path)),
    onSuccess: () => {
      done(t('segments.archived'), () => restore.mutate());
      void client.invalidateQueries({ queryKey: ['segment'] });
      void client.invalidateQueries({ queryKey: ['segments'] });
    },
    onError: failed,
  });
  const actions = (
    <>
      {item && mayUse && item.state === 'active' && (
        <Button component={Link} to="/campaigns/new" search={{ segment: item.id } as never} variant="default">{t('segments.use')}</Button>
      )}
      {may && (
        <Button onClick={() => (otherTree ? setAsking(true) : save.mutate(draft))} loading={save.isPending} disabled={!dirty || !draft.name.trim() || (draft.tree !== null && !isComplete(draft.tree))}>
          {t('segments.publish')}
        </Button>
      )}
      {may && item && (
        <Menu position="bottom-end">
          <Menu.Target>
            <Button variant="default" px={8} aria-label={t('common.actions')}><IconDots size={16} /></Button>
          </Menu.Target>
          <Menu.Dropdown>
            {item.state === 'active' ? (
              <Menu.Item onClick={() => archive.mutate()}>{t('common.archive')}</Menu.Item>
            ) : (
              <Menu.Item onClick={() => restore.mutate()}>{t('common.restore')}</Menu.Item>
            )}
          </Menu.Dropdown>
        </Menu>
      )}
    </>
  );
  const definition = <Definition history={history} readOnly={!may} refused={save.error instanceof Problem && save.variables === draft ? save.error : null} segment={item} />;
  return (
    <Page
      title={kept.name || t(draft.tree ? 'segments.new' : 'segments.new_list')}
      back={{ to: '/segments', label: t('nav.segments') }}
      lead={item && t('segments.summary', { count: item.size, shown: format.number(item.size), version: item.version })}
      badge={item && <Freshness one={item} />}
      actions={actions}
    >
      <ProblemAlert error={stored.error} onRetry={() => void stored.refetch()} />
      {stored.isLoading && <Skeleton height={320} />}
      {!id && definition}
      {item && (
        <Tabs value={address.tab ?? 'definition'} onChange={(tab) => change({ tab: tab === 'definition' ? null : tab })} keepMounted={false}>
          <Tabs.List mb="md">
            {(['definition', 'members', 'growth', ...(item.tree ? (['versions'] as const) : [])] as const).map((tab) => <Tabs.Tab key={tab} value={tab}>{t(`segments.${tab}`)}</Tabs.Tab>)}
          </Tabs.List>
          <Tabs.Panel value="definition">{definition}</Tabs.Panel>
          <Tabs.Panel value="members"><Members segment={item} /></Tabs.Panel>
          <Tabs.Panel value="growth"><Growth id={item.id} /></Tabs.Panel>
          <Tabs.Panel value="versions"><Versions segment={item} /></Tabs.Panel>
        </Tabs>
      )}
      {asking && item && draft.tree && (
        <PublishDialog
          segmentId={item.id}
          version={item.version + 1}
          tree={draft.tree}
          onClose={() => setAsking(false)}
          onPublish={() => {
            setAsking(false);
            save.mutate(draft);
          }}
        />
      )}
    </Page>
  );
}
