import { Anchor, Code, Drawer, Group, Select, Stack, Text, TextInput, UnstyledButton } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { usePages } from '@/api/pages';
import { Changes } from '@/design/Changes';
import { DataTable } from '@/design/DataTable';
import { EmptyState } from '@/design/EmptyState';
import { useFormat } from '@/design/format';
import { IconAudit, IconSearch } from '@/design/icons';
import { Moment } from '@/design/Moment';
import { Page } from '@/design/Page';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { useAddress } from '@/shell/address';
import { placeOf, useActionOptions, useActionTitle, useSubjectTitle } from './changed';

type Entry = Schema<'AuditEntry'>;

/** Every change: who, what, when, and the state before and after. */
export default function AuditPage() {
  const { t } = useTranslation();
  const format = useFormat();
  const [address, change] = useAddress<'who' | 'action' | 'subject'>();
  const [open, setOpen] = useState<Entry | null>(null);
  const [asked, setAsked] = useState(0); // the fields are drawn anew once the address was changed beside them
  const filter = useDebouncedCallback(change, 300);
  const action = useActionTitle();
  const subject = useSubjectTitle();
  const actions = useActionOptions(address.action);
  const onlyThis = (one: string) => {
    change({ subject: one, who: null, action: null });
    setAsked(asked + 1);
    setOpen(null);
  };
  const audit = usePages(['audit', address.who, address.action, address.subject], (cursor) =>
    take(
      api.GET('/v1/audit', {
        params: {
          query: { who_name: address.who, action: address.action, subject: address.subject, cursor, limit: 50 },
        },
      }),
    ),
  );
  return (
    <Page title={t('nav.audit')} lead={t('audit.lead')}>
      <Group mb="md" gap="sm">
        <TextInput
          key={`who${asked}`}
          aria-label={t('audit.who')}
          placeholder={t('audit.who_placeholder')}
          leftSection={<IconSearch size={15} />}
          defaultValue={address.who ?? ''}
          onChange={(event) => filter({ who: event.currentTarget.value })}
          w={220}
        />
        <Select
          aria-label={t('audit.action')}
          placeholder={t('audit.action_placeholder')}
          data={actions}
          value={address.action ?? null}
          onChange={(action) => change({ action })}
          searchable
          clearable
          clearButtonProps={{ 'aria-label': t('common.clear') }}
          nothingFoundMessage={t('audit.no_action')}
          w={300}
        />
        <TextInput
          key={`subject${asked}`}
          aria-label={t('audit.subject')}
          placeholder={t('audit.subject_placeholder')}
          leftSection={<IconSearch size={15} />}
          defaultValue={address.subject ?? ''}
          onChange={(event) => filter({ subject: event.currentTarget.value })}
          w={220}
        />
      </Group>
      <ProblemAlert error={audit.error} onRetry={audit.retry} />
      <Panel flush>
        <DataTable
          label={t('nav.audit')}
          rows={audit.rows}
          loading={audit.loading}
          rowKey={(entry) => entry.id}
          onOpen={setOpen}
          more={audit.more}
          loadingMore={audit.loadingMore}
          empty={<EmptyState icon={IconAudit} title={t('audit.empty')}>{t('audit.empty_hint')}</EmptyState>}
          columns={[
            {
              key: 'action',
              head: t('audit.action'),
              cell: (entry) => (
                <UnstyledButton onClick={() => setOpen(entry)}>
                  <Text size="sm" fw={550} ta="left">{action(entry.action)}</Text>
                </UnstyledButton>
              ),
            },
            { key: 'subject', head: t('audit.subject'), cell: (entry) => <Text size="sm" style={{ overflowWrap: 'anywhere' }}>{subject(entry.subject)}</Text> },
            { key: 'who', head: t('audit.who'), cell: (entry) => <Text size="sm">{entry.who_name}</Text> },
            { key: 'at', head: t('common.when'), right: true, cell: (entry) => <Moment at={entry.at} /> },
          ]}
        />
      </Panel>
      <Drawer
        opened={open !== null}
        onClose={() => setOpen(null)}
        title={open && action(open.action)}
        closeButtonProps={{ 'aria-label': t('common.close') }}
      >
        {open && (
          <Stack gap="sm">
            <Text size="sm">{t('audit.sentence', { who: open.who_name, subject: subject(open.subject), when: format.exact(open.at) })}</Text>
            <Group gap="lg">
              {placeOf(open.subject) && <Anchor component={Link} to={placeOf(open.subject)} size="sm">{t('audit.open')}</Anchor>}
              {address.subject !== open.subject && (
                <Anchor component="button" size="sm" onClick={() => onlyThis(open.subject)}>{t('audit.only_this')}</Anchor>
              )}
            </Group>
            <Changes before={open.before} after={open.after} />
            <Text size="xs" c="dimmed">{t('audit.codes')} <Code>{open.action}</Code> <Code>{open.subject}</Code></Text>
          </Stack>
        )}
      </Drawer>
    </Page>
  );
}
