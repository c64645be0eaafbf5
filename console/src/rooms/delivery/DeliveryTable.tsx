import { Anchor, Group, Text, UnstyledButton, VisuallyHidden } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import type { usePages } from '@/api/pages';
import { DataTable, type Column } from '@/design/DataTable';
import { Moment } from '@/design/Moment';
import { Status } from '@/design/Status';
import { useReasonSentence } from './reasons';

type Item = Schema<'DeliveryItem'>;

interface DeliveryTableProps {
  list: ReturnType<typeof usePages<Item>>;
  onOpen: (id: number) => void;
  empty: ReactNode;
  /** On a customer's own page the name is known. */
  withoutCustomer?: boolean;
}

function Marks({ item }: { item: Item }) {
  const marks = (
    [
      ['opened', item.opened_at],
      ['clicked', item.clicked_at],
      ['unsubscribed', item.unsubscribed_at],
      ['complained', item.complained_at],
    ] as const
  ).filter(([, at]) => at);
  return (
    <Group gap={4} wrap="nowrap">
      <Status state={item.state} />
      {marks.map(([mark]) => <Status key={mark} state={mark} size="sm" />)}
    </Group>
  );
}

/** Rows of the ledger; each opens its "why". */
export function DeliveryTable({ list, onOpen, empty, withoutCustomer }: DeliveryTableProps) {
  const { t } = useTranslation();
  const sentence = useReasonSentence();
  const columns: (Column<Item> & { hidden?: boolean })[] = [
    {
      key: 'state',
      head: t('common.state'),
      cell: (item) => (
        <UnstyledButton onClick={() => onOpen(item.id)}>
          <VisuallyHidden>{t('delivery.why_of', { id: item.id })}</VisuallyHidden>
          <Marks item={item} />
        </UnstyledButton>
      ),
    },
    {
      key: 'customer',
      head: t('common.customer'),
      hidden: withoutCustomer,
      cell: (item) =>
        item.profile_id ? (
          <Anchor component={Link} to={`/customers/${item.profile_id}`} size="sm" fw={550}>
            {item.customer || t('profiles.unnamed', { id: item.profile_id })}
          </Anchor>
        ) : (
          <Text size="sm" c="dimmed">{t(item.message_class === 'staff' || item.message_class === 'test' ? 'delivery.staff' : 'delivery.no_customer')}</Text>
        ),
    },
    { key: 'address', head: t('delivery.address'), cell: (item) => <Text size="sm">{item.address}</Text> },
    {
      key: 'sentence',
      head: t('delivery.why'),
      cell: (item) => <Text size="sm" c="dimmed" lineClamp={2} maw={420}>{sentence(item, item.sentence)}</Text>,
    },
    {
      key: 'at',
      head: t('common.when'),
      right: true,
      cell: (item) => <Moment at={item.sent_at ?? item.ended_at ?? item.planned_at} />,
    },
  ];
  return (
    <DataTable
      label={t('nav.deliveries')}
      rows={list.rows}
      loading={list.loading}
      rowKey={(item) => item.id}
      onOpen={(item) => onOpen(item.id)}
      more={list.more}
      loadingMore={list.loadingMore}
      empty={empty}
      columns={columns.filter((column) => !column.hidden)}
    />
  );
}
