import { Button, Menu, Skeleton, Tabs } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useBlocker, useNavigate, useParams } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useMay } from '@/api/session';
import { IconDots } from '@/design/icons';
import { Page } from '@/design/Page';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Status } from '@/design/Status';
import { done, failed } from '@/design/toast';
import { Checks, useChecks } from './Checks';
import { differs, draftOf, sourceOf, STARTER, type Draft } from './draft';
import { Preview } from './Preview';
import { SourceForm } from './SourceForm';
import { TestSend } from './TestSend';
import styles from './content.module.css';

/** Writing a template: source on the left, the message as a customer gets it on the right. */
export default function TemplatePage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const client = useQueryClient();
  const id = (useParams({ strict: false }) as { id?: string }).id;
  const mayWrite = useMay('content:write');
  const mayPublish = useMay('content:publish');
  const mayTest = useMay('delivery:test');
  const [draft, setDraft] = useState<Draft>(STARTER);
  const [kept, setKept] = useState<Draft>(STARTER);
  const [testing, setTesting] = useState(false);
  const stored = useQuery({
    queryKey: ['template', id],
    queryFn: () => take(api.GET('/v1/templates/{template_id}', { params: { path: { template_id: Number(id) } } })),
    enabled: id !== undefined,
    refetchOnWindowFocus: false,
  });
  const item = stored.data;
  useEffect(() => {
    if (!item) return;
    setDraft(draftOf(item));
    setKept(draftOf(item));
  }, [item]);
  const checks = useChecks(draft, id === undefined || kept !== STARTER);
  const dirty = differs(draft, kept);
  useBlocker({ shouldBlockFn: () => dirty && !window.confirm(t('content.leave')), enableBeforeUnload: dirty });

  const write = useMutation({
    mutationFn: (more: { archived?: boolean }) =>
      id
        ? take(
            api.PUT('/v1/templates/{template_id}', {
              params: { path: { template_id: Number(id) } },
              body: { ...sourceOf(draft), name: draft.name, archived: more.archived ?? item?.template.archived ?? false },
            }),
          )
        : take(api.POST('/v1/templates', { body: { ...sourceOf(draft), name: draft.name, channel: draft.channel } })),
    onSuccess: (saved) => {
      setKept(draftOf(saved));
      client.setQueryData(['template', String(saved.template.id)], saved);
      void client.invalidateQueries({ queryKey: ['templates'] });
    },
    onError: failed,
  });
  const publish = useMutation({
    mutationFn: async () => {
      const saved = dirty || !id ? await write.mutateAsync({}) : item;
      return take(
        api.POST('/v1/templates/{template_id}/publish', { params: { path: { template_id: saved?.template.id ?? 0 } } }),
      );
    },
    onSuccess: (published) => {
      client.setQueryData(['template', String(published.template.id)], published);
      void client.invalidateQueries({ queryKey: ['templates'] });
      done(t('content.published', { number: published.version.number }));
      if (!id) go(published.template.id);
    },
    onError: failed,
  });
  const go = (template: number) =>
    void navigate({ to: `/templates/${template}`, replace: true, ignoreBlocker: true });
  const save = () =>
    write.mutate({}, {
      onSuccess: (saved) => {
        done(t('content.saved'));
        if (!id) go(saved.template.id);
      },
    });
  const archive = (archived: boolean) =>
    write.mutate({ archived }, {
      onSuccess: () => done(t(archived ? 'content.archived' : 'content.restored'), () => archive(!archived)),
    });
  useHotkeys([['mod+S', () => mayWrite && draft.name && save()]], []);

  const errors = checks.data?.findings.filter((one) => one.severity === 'error').length ?? 0;
  const findings = checks.data?.findings.length ?? 0;
  const actions = mayWrite && (
    <>
      {mayTest && item && <Button variant="default" onClick={() => setTesting(true)} disabled={dirty}>{t('content.test')}</Button>}
      <Button variant="default" onClick={save} loading={write.isPending && !publish.isPending} disabled={!draft.name || (!dirty && Boolean(id))}>
        {t('content.save_draft')}
      </Button>
      {mayPublish && (
        <Button onClick={() => publish.mutate()} loading={publish.isPending} disabled={!draft.name || errors > 0 || (!dirty && item?.template.draft_id === null)}>
          {t('content.publish')}
        </Button>
      )}
      {item && (
        <Menu position="bottom-end">
          <Menu.Target>
            <Button variant="default" px={8} aria-label={t('common.actions')}><IconDots size={16} /></Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={() => archive(!item.template.archived)}>
              {item.template.archived ? t('common.restore') : t('common.archive')}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      )}
    </>
  );
  return (
    <Page
      title={draft.name || t('content.new')}
      back={{ to: '/templates', label: t('nav.templates') }}
      badge={item && <Status state={item.template.archived ? 'archived' : item.version.state} />}
      actions={actions}
    >
      <ProblemAlert error={stored.error} onRetry={() => void stored.refetch()} />
      {stored.isLoading ? (
        <Skeleton height={480} />
      ) : (
        <div className={styles.split}>
          <SourceForm draft={draft} onChange={setDraft} readOnly={!mayWrite} fresh={!id} />
          <Panel flush className={styles.side} label={t('content.preview')}>
            <Tabs defaultValue="preview" keepMounted={false}>
              <Tabs.List>
                <Tabs.Tab value="preview">{t('content.preview')}</Tabs.Tab>
                <Tabs.Tab value="checks" rightSection={findings > 0 ? `(${findings})` : null}>{t('content.checks')}</Tabs.Tab>
              </Tabs.List>
              <Tabs.Panel value="preview"><Preview draft={draft} /></Tabs.Panel>
              <Tabs.Panel value="checks"><Checks checks={checks} /></Tabs.Panel>
            </Tabs>
          </Panel>
        </div>
      )}
      {testing && item && <TestSend channel={item.template.channel} versionId={item.version.id} onClose={() => setTesting(false)} />}
    </Page>
  );
}
