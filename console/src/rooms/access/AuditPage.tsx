import { Code, Drawer, Group, Stack, Text, TextInput, UnstyledButton } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
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

type Entry = Schema<'AuditEntry'>;

/** Every change: who, what, when, and the state before and after. */
export default function AuditPage() {
  const { t } = useTranslation();
  const format = useFormat();
  const [address, change] = useAddress<'who' | 'action' | 'subject'>();
  const [open, setOpen] = useState<Entry | null>(null);
  const filter = useDebouncedCallback(change, 300);
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
        {(['who', 'action', 'subject'] as const).map((key) => (
          <TextInput
            key={key}
            aria-label={t(`audit.${key}`)}
            placeholder={t(`audit.${key}_placeholder`)}
            leftSection={<IconSearch size={15} />}
            defaultValue={address[key] ?? ''}
            onChange={(event) => filter({ [key]: event.currentTarget.value })}
            w={220}
          />
        ))}
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
                  <Code>{entry.action}</Code>
                </UnstyledButton>
              ),
            },
            { key: 'subject', head: t('audit.subject'), cell: (entry) => <Text size="sm">{entry.subject}</Text> },
            { key: 'who', head: t('audit.who'), cell: (entry) => <Text size="sm">{entry.who_name}</Text> },
            { key: 'at', head: t('common.when'), right: true, cell: (entry) => <Moment at={entry.at} /> },
          ]}
        />
      </Panel>
      <Drawer
        opened={open !== null}
        onClose={() => setOpen(null)}
        title={open?.action}
        closeButtonProps={{ 'aria-label': t('common.close') }}
      >
        {open && (
          <Stack gap="sm">
            <Text size="sm">{t('audit.sentence', { who: open.who_name, subject: open.subject, when: format.dateTime(open.at) })}</Text>
            <Changes before={open.before} after={open.after} />
          </Stack>
        )}
      </Drawer>
    </Page>
  );
}
