import { Alert, Anchor, Blockquote, Drawer, Group, Skeleton, Stack, Table, Text, Timeline, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useFormat } from '@/design/format';
import { IconInfo } from '@/design/icons';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Status } from '@/design/Status';
import { Acts, Interventions } from './Acts';
import { Engagement } from './Engagement';
import { Hops } from './Hops';
import { useReasonSentence, useReasonTitle } from './reasons';
import styles from './delivery.module.css';

function Consent({ consent }: { consent: Schema<'ConsentThen'> }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <div>
      <Title order={3} mb={6}>{t('delivery.consent_then')}</Title>
      <Group gap="xs">
        <Status state={consent.state} />
        <Text size="sm">{t('delivery.consent_from', { source: consent.source, when: format.dateTime(consent.at) })}</Text>
      </Group>
      {consent.evidence.text && <Blockquote p="sm" mt="xs" fz="sm">{consent.evidence.text}</Blockquote>}
    </div>
  );
}

/** Why did I get this, or why not: one sentence, the facts it rests on, and what happened when. */
export function WhyDrawer({ id, onOpen, onClose }: { id: number | null; onOpen: (id: number) => void; onClose: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const title = useReasonTitle();
  const sentence = useReasonSentence();
  const why = useQuery({
    queryKey: ['delivery', id],
    queryFn: () => take(api.GET('/v1/deliveries/{delivery_id}', { params: { path: { delivery_id: id ?? 0 } } })),
    enabled: id !== null,
  });
  const found = why.data;
  const inWords = ({ name, value }: { name: string; value: string }) => {
    const words = { channel: 'channel', 'message class': 'campaigns.class_name' }[name.replaceAll('_', ' ')];
    return words ? t(`${words}.${value}`, { defaultValue: value }) : value;
  };
  return (
    <Drawer
      opened={id !== null}
      onClose={onClose}
      size="lg"
      title={t('delivery.why_of', { id })}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <ProblemAlert error={why.error} />
      {why.isLoading && <Skeleton height={180} />}
      {found && (
        <Stack gap="lg">
          <Group gap="xs">
            <Status state={found.delivery.state} size="lg" />
            <Text fw={600}>{found.delivery.reason ? title(found.delivery.reason, found.title) : t(`state.${found.delivery.state}`)}</Text>
          </Group>
          <Alert variant="light" color="gray" icon={<IconInfo size={18} />}>
            <Text size="sm" c="var(--mantine-color-text)">{sentence(found.delivery, found.sentence, found.delivery.topic_title)}</Text>
          </Alert>
          {['failed', 'expired', 'bounced', 'suppressed', 'unknown'].includes(found.delivery.state) && <Acts delivery={found.delivery} />}
          <Interventions id={found.delivery.id} />
          <Group gap="lg">
            {found.delivery.profile_id > 0 && (
              <Anchor component={Link} to={`/customers/${found.delivery.profile_id}`} size="sm">{t('delivery.open_customer')}</Anchor>
            )}
            {found.delivery.campaign_id !== null && (
              <Anchor component={Link} to={`/campaigns/${found.delivery.campaign_id}`} size="sm">{t('delivery.open_campaign')}</Anchor>
            )}
          </Group>
          {found.hops.length > 1 && <Hops hops={found.hops} here={found.delivery.id} onOpen={onOpen} />}
          <div>
            <Title order={3} mb="sm">{t('delivery.history')}</Title>
            <Timeline bulletSize={12} lineWidth={2} active={found.history.length} className={styles.history}>
              {found.history.map((step) => (
                <Timeline.Item key={`${step.state}${step.at}`} title={
                    <Group justify="space-between" wrap="nowrap">
                      <Text size="sm" fw={550} lh={1.1}>{t(`state.${step.state}`, { defaultValue: step.state })}</Text>
                      <Text size="xs" c="dimmed" lh={1.1}>{format.exact(step.at)}</Text>
                    </Group>
                  }
                />
              ))}
            </Timeline>
          </div>
          <Engagement delivery={found.delivery.id} />
          {found.consent && <Consent consent={found.consent} />}
          <div>
            <Title order={3} mb={6}>{t('delivery.facts')}</Title>
            <Table verticalSpacing={5} layout="fixed">
              <Table.Tbody>
                {found.facts.map((fact) => (
                  <Table.Tr key={fact.name}>
                    <Table.Th w={170} fw={500} c="dimmed" fz="sm" scope="row">{t(`delivery.fact.${fact.name.replaceAll(' ', '_')}`, { defaultValue: fact.name.replaceAll('_', ' ') })}</Table.Th>
                    <Table.Td><Text size="sm" style={{ overflowWrap: 'anywhere' }}>{inWords(fact)}</Text></Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </div>
        </Stack>
      )}
    </Drawer>
  );
}
