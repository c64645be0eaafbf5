import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { DataTable } from '@/design/DataTable';
import { useSpan } from '@/design/DurationInput';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';

/** The classes of messages and what each of them is bound to. */
export function Classes() {
  const { t } = useTranslation();
  const span = useSpan();
  const classes = useQuery({ queryKey: ['message-classes'], queryFn: () => take(api.GET('/v1/message-classes')), staleTime: Infinity });
  const yes = (value: boolean) => t(value ? 'common.yes' : 'common.no');
  return (
    <Panel title={t('rules.classes')} hint={t('rules.classes_hint')} flush>
      <ProblemAlert error={classes.error} />
      <DataTable
        label={t('rules.classes')}
        rows={classes.data}
        loading={classes.isLoading}
        rowKey={(one) => one.name}
        columns={[
          { key: 'name', head: t('campaigns.class'), cell: (one) => <Text size="sm" fw={550}>{t(`campaigns.class_name.${one.name}`, { defaultValue: one.title })}</Text> },
          { key: 'about', head: t('common.description'), cell: (one) => <Text size="sm" c="dimmed">{t(`rules.class_${one.name}`, { defaultValue: one.description })}</Text> },
          { key: 'consent', head: t('rules.needs_consent'), cell: (one) => yes(one.needs_consent) },
          { key: 'resend', head: t('rules.resend_unknown'), cell: (one) => yes(one.resend_unknown) },
          { key: 'life', head: t('rules.lifetime'), right: true, cell: (one) => span(one.lifetime_minutes * 60) },
        ]}
      />
    </Panel>
  );
}
