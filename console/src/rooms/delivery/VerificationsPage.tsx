import { Anchor, Group, Stack, Text, VisuallyHidden } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { usePages } from '@/api/pages';
import { DataTable } from '@/design/DataTable';
import { EmptyState } from '@/design/EmptyState';
import { useFormat } from '@/design/format';
import { IconShield } from '@/design/icons';
import { Moment } from '@/design/Moment';
import { Page } from '@/design/Page';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { StatePick } from '@/design/StatePick';
import { Status } from '@/design/Status';
import { useAddress } from '@/shell/address';

type Verification = Schema<'Verification'>;
type State = Verification['state'];
const STATES: State[] = ['pending', 'passed', 'locked', 'expired', 'failed', 'cancelled'];

/** One channel of a verification: to whom the code went, and what became of its latest message. */
function Factor({ factor, open }: { factor: Verification['factors'][number]; open: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const channel = factor.said_by ?? factor.channel;
  return (
    <Group gap={6}>
      <Text size="sm">{t(`channel.${channel}`, { defaultValue: channel })}</Text>
      <Text size="sm" c="dimmed">{factor.address}</Text>
      {factor.passed ? (
        <Status state="passed" size="sm" />
      ) : (
        factor.delivery_id && factor.delivery_state && (
          <Anchor component={Link} to="/deliveries" search={{ open: factor.delivery_id } as never}>
            <VisuallyHidden>{t('delivery.why_of', { id: factor.delivery_id })}</VisuallyHidden>
            <Status state={factor.delivery_state} size="sm" />
          </Anchor>
        )
      )}
      {open && !factor.passed && (
        <Text size="xs" c="dimmed">
          {t('delivery.factor_left', { attempts: format.number(factor.attempts_left), sendings: format.number(factor.sendings_left) })}
        </Text>
      )}
    </Group>
  );
}

/** Proofs that somebody can be reached: who was asked for a code, by which channels, and how it ended. */
export default function VerificationsPage() {
  const { t } = useTranslation();
  const [address, change] = useAddress<'state'>();
  const list = usePages(
    ['verifications', address.state],
    (cursor) => take(api.GET('/v1/verifications', { params: { query: { state: address.state as State | undefined, cursor, limit: 50 } } })),
    { refetchInterval: 5000 },
  );
  return (
    <Page title={t('delivery.verifications')} lead={t('delivery.verifications_lead')} back={{ to: '/deliveries', label: t('nav.deliveries') }}>
      <Group mb="md">
        <StatePick states={STATES} value={address.state} onChange={(state) => change({ state })} w={220} />
      </Group>
      <ProblemAlert error={list.error} onRetry={list.retry} />
      <Panel flush>
        <DataTable
          label={t('delivery.verifications')}
          rows={list.rows}
          loading={list.loading}
          rowKey={(one) => one.id}
          more={list.more}
          loadingMore={list.loadingMore}
          empty={<EmptyState icon={IconShield} title={t('delivery.no_verifications')}>{t('delivery.no_verifications_hint')}</EmptyState>}
          columns={[
            { key: 'state', head: t('common.state'), cell: (one) => <Status state={one.state} /> },
            {
              key: 'customer',
              head: t('common.customer'),
              cell: (one) =>
                one.profile_id ? (
                  <Anchor component={Link} to={`/customers/${one.profile_id}`} size="sm" fw={550}>{t('profiles.unnamed', { id: one.profile_id })}</Anchor>
                ) : (
                  <Text size="sm" c="dimmed">{t('delivery.no_customer')}</Text>
                ),
            },
            {
              key: 'channels',
              head: t('delivery.verified_by'),
              cell: (one) => <Stack gap={4}>{one.factors.map((factor) => <Factor key={factor.factor} factor={factor} open={one.state === 'pending'} />)}</Stack>,
            },
            { key: 'key', head: t('delivery.verification_key'), cell: (one) => <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>{one.key}</Text> },
            { key: 'asked', head: t('delivery.verification_asked'), right: true, cell: (one) => <Moment at={one.created_at} /> },
            { key: 'ended', head: t('delivery.verification_ended'), right: true, cell: (one) => <Moment at={one.ended_at ?? one.expires_at} /> },
          ]}
        />
      </Panel>
    </Page>
  );
}
