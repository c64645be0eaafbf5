import { Anchor, Avatar, Button, Group, Text, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { Link, useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { usePages } from '@/api/pages';
import { useMay } from '@/api/session';
import { DataTable } from '@/design/DataTable';
import { EmptyState } from '@/design/EmptyState';
import { Mark } from '@/design/Mark';
import { useFormat } from '@/design/format';
import { IconCustomers, IconSearch } from '@/design/icons';
import { Moment } from '@/design/Moment';
import { Page } from '@/design/Page';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { useAddress } from '@/shell/address';
import { Proposals } from './Proposals';

/** Everybody we know of, found by any word. */
export default function CustomersPage() {
  const { t } = useTranslation();
  const format = useFormat();
  const navigate = useNavigate();
  const mayImport = useMay('imports:write');
  const [address, change] = useAddress<'q'>();
  const typing = useDebouncedCallback((q: string) => change({ q }), 250);
  const list = usePages(['profiles', address.q], (cursor) =>
    take(api.GET('/v1/profiles', { params: { query: { q: address.q, cursor, limit: 50 } } })),
  );
  return (
    <Page
      title={t('nav.customers')}
      lead={list.total !== null && !address.q ? t('profiles.known', { count: list.total, shown: format.number(list.total) }) : t('profiles.lead')}
      actions={mayImport && <Button component={Link} to="/imports/new" variant="default">{t('profiles.import')}</Button>}
    >
      <TextInput
        aria-label={t('profiles.find')}
        placeholder={t('profiles.find')}
        leftSection={<IconSearch size={16} />}
        size="md"
        defaultValue={address.q ?? ''}
        key={address.q === undefined ? 'empty' : 'typed'}
        autoFocus={address.q !== undefined}
        onChange={(event) => typing(event.currentTarget.value)}
        mb="md"
        maw={520}
      />
      <Proposals />
      <ProblemAlert error={list.error} onRetry={list.retry} />
      <Panel flush>
        <DataTable
          label={t('nav.customers')}
          rows={list.rows}
          loading={list.loading}
          rowKey={(one) => one.id}
          onOpen={(one) => void navigate({ to: `/customers/${one.id}` })}
          more={list.more}
          loadingMore={list.loadingMore}
          empty={
            address.q ? (
              <EmptyState icon={IconSearch} title={t('profiles.none_found')}>{t('profiles.none_found_hint')}</EmptyState>
            ) : (
              <EmptyState
                icon={IconCustomers}
                title={t('profiles.empty')}
                action={mayImport && <Button component={Link} to="/imports/new">{t('profiles.import')}</Button>}
              >
                {t('profiles.empty_hint')}
              </EmptyState>
            )
          }
          columns={[
            {
              key: 'name',
              head: t('common.customer'),
              cell: (one) => (
                <Group gap="sm" wrap="nowrap">
                  <Avatar size={30} radius="xl" name={one.name || one.email || '?'} color="initials" aria-hidden />
                  <Anchor component={Link} to={`/customers/${one.id}`} size="sm" fw={550}>
                    {one.name || one.email || t('profiles.unnamed', { id: one.id })}
                  </Anchor>
                  {!one.known && <Mark colour="gray" size="sm">{t('profiles.anonymous')}</Mark>}
                </Group>
              ),
            },
            { key: 'email', head: t('profiles.email'), cell: (one) => <Text size="sm">{one.email}</Text> },
            { key: 'phone', head: t('profiles.phone'), cell: (one) => <Text size="sm">{one.phone}</Text> },
            { key: 'user', head: t('profiles.user_id'), cell: (one) => <Text size="sm" c="dimmed">{one.user_id}</Text> },
            { key: 'seen', head: t('profiles.last_seen'), right: true, cell: (one) => <Moment at={one.last_seen} /> },
          ]}
        />
      </Panel>
    </Page>
  );
}
