import { Button, Text, UnstyledButton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useMay } from '@/api/session';
import { DataTable } from '@/design/DataTable';
import { useFormat } from '@/design/format';
import { IconPlus } from '@/design/icons';
import { Mark } from '@/design/Mark';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { KindForm } from './KindForm';

type Kind = Schema<'Kind'>;

/** What customers are known by: the kinds that are built in, and one's own. */
export default function KindsTab() {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const may = useMay('profiles:kinds');
  const [open, setOpen] = useState<Kind | 'new' | null>(null);
  const kinds = useQuery({ queryKey: ['identity-kinds'], queryFn: () => take(api.GET('/v1/identity-kinds')) });
  const title = (one: Kind) => (i18n.exists(`identity.${one.name}`) ? t(`identity.${one.name}`) : one.title);
  const add = may && <Button leftSection={<IconPlus size={16} />} onClick={() => setOpen('new')}>{t('kinds.new')}</Button>;
  return (
    <Panel title={t('kinds.title')} hint={t('kinds.hint')} flush actions={add}>
      <ProblemAlert error={kinds.error} onRetry={() => void kinds.refetch()} />
      <DataTable
        label={t('kinds.title')}
        rows={kinds.data?.items}
        loading={kinds.isLoading}
        rowKey={(one) => one.name}
        onOpen={may ? setOpen : undefined}
        columns={[
          {
            key: 'name',
            head: t('common.name'),
            cell: (one) => (
              <UnstyledButton onClick={() => may && setOpen(one)}>
                <Text size="sm" fw={550}>{title(one)} {one.own && <Mark colour="iris">{t('kinds.own')}</Mark>}</Text>
                <Text size="xs" c="dimmed">{one.name}</Text>
              </UnstyledButton>
            ),
          },
          { key: 'form', head: t('kinds.form'), cell: (one) => <Text size="sm">{t(`kinds.form_${one.form ?? 'exact'}`)}</Text> },
          { key: 'most', head: t('kinds.most'), right: true, cell: (one) => format.number(one.most ?? 0) },
          { key: 'people', head: t('kinds.people'), right: true, cell: (one) => format.number(one.people ?? 0) },
          {
            key: 'quiet',
            head: t('kinds.quiet_days'),
            right: true,
            cell: (one) => <Text size="sm">{one.quiet_days ? t('kinds.days', { count: one.quiet_days }) : t('kinds.never')}</Text>,
          },
        ]}
      />
      {open && <KindForm kind={open === 'new' ? null : open} title={open === 'new' ? '' : title(open)} onClose={() => setOpen(null)} />}
    </Panel>
  );
}
