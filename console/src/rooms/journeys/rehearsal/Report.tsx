import { Alert, Box, List, SimpleGrid, Stack, Table, Text } from '@mantine/core';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import { useFormat } from '@/design/format';
import { IconCoins, IconDoor, IconPeople, IconDeliveries, IconTarget } from '@/design/icons';
import { useMoney } from '@/design/money';
import { Panel } from '@/design/Panel';
import { Stat } from '@/design/Stat';
import { useChannelTitle } from '../../channels/vocabulary';
import type { Kind } from '../exits';
import { useReason } from '../live/Outcomes';
import { whole, stepOf, type Definition } from '../model';
import { useExitName, useStepName } from '../told';
import { Days } from './Days';
import { ExpectedCanvas } from './ExpectedCanvas';

interface ReportProps {
  report: Schema<'RehearsalReport'>;
  definition: unknown;
  kinds: ReadonlyMap<string, Kind>;
}

/** What would happen: messages and their cost, who is refused, how many reach the goal, and where it goes wrong. */
export function Report({ report, definition: given, kinds }: ReportProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const money = useMoney();
  const channel = useChannelTitle();
  const reason = useReason();
  const definition = useMemo(() => whole(given as Partial<Definition>), [given]);
  const stepName = useStepName(definition);
  const exitName = useExitName();
  const round = (value: number) => format.number(Math.round(value));
  const { conversions } = report;
  const messages = report.messages.reduce((sum, one) => sum + one.messages, 0);
  const forEver = report.waiting.filter((one) => one.for_ever > 0);
  const exit = (key: string, did: string) => exitName(did, stepOf(definition, key));
  const points = (items: string[], none: string) => (items.length === 0 ? <Text size="sm" c="dimmed">{none}</Text> : <List size="sm">{items.map((one) => <List.Item key={one}>{one}</List.Item>)}</List>);
  return (
    <Stack data-testid="rehearsal-report">
      <Text size="sm" c="dimmed">
        {[`${t(`rehearsal.mode_${report.mode}`)}: ${format.date(report.since)} – ${format.date(report.until)}`, t('rehearsal.population', { sample: format.number(report.sample), population: format.number(report.population) }), t('rehearsal.took', { seconds: format.number(Number(report.seconds.toFixed(1))) })].join(' · ')}
      </Text>
      {report.unforeseen.length > 0 && <Alert color="yellow">{t('rehearsal.unforeseen', { names: format.list(report.unforeseen.map((one) => t(`journeys.entry_kind.${one}`, { defaultValue: one }))) })}</Alert>}
      <SimpleGrid cols={{ base: 2, md: 5 }} spacing="sm">
        <Stat icon={IconDoor} label={t('rehearsal.entered')} value={format.number(report.entered)} />
        <Stat icon={IconDeliveries} label={t('rehearsal.messages')} value={format.number(messages)} note={report.moved > 0 ? t('rehearsal.moved_hours', { shown: format.number(report.moved) }) : undefined} />
        <Stat icon={IconCoins} label={t('rehearsal.cost')} value={money(report.cost_micros)} />
        <Stat icon={IconTarget} label={t('rehearsal.conversions')} value={conversions ? round(conversions.mean) : '—'} note={conversions ? t('rehearsal.interval', { low: round(conversions.low), high: round(conversions.high) }) : t('rehearsal.no_goal')} />
        <Stat icon={IconPeople} label={t('rehearsal.inside_end')} value={format.number(report.inside)} />
      </SimpleGrid>
      <Panel title={t('rehearsal.messages_days')} hint={t('rehearsal.messages_days_hint')}>{messages === 0 ? <Text size="sm" c="dimmed">{t('rehearsal.nothing_said')}</Text> : <Days days={report.messages} since={report.since} until={report.until} />}</Panel>
      <Panel title={t('rehearsal.on_canvas')}><ExpectedCanvas report={report} definition={definition} kinds={kinds} /></Panel>
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Panel title={t('rehearsal.refused')}>
          {report.refused.length === 0 ? <Text size="sm" c="dimmed">{t('rehearsal.refused_none')}</Text> : (
            <Table aria-label={t('rehearsal.refused')} verticalSpacing={5}>
              <Table.Thead><Table.Tr><Table.Th scope="col">{t('rehearsal.step')}</Table.Th><Table.Th scope="col">{t('rehearsal.channel')}</Table.Th><Table.Th scope="col">{t('rehearsal.reason')}</Table.Th><Table.Th scope="col" ta="right">{t('rehearsal.people')}</Table.Th></Table.Tr></Table.Thead>
              <Table.Tbody>
                {report.refused.map((one) => (
                  <Table.Tr key={`${one.step} ${one.channel} ${one.reason}`}><Table.Td>{stepName(one.step)}</Table.Td><Table.Td>{channel(one.channel)}</Table.Td><Table.Td>{t(`reason.${one.reason}`, { defaultValue: one.reason.replaceAll('_', ' ') })}</Table.Td><Table.Td ta="right">{format.number(one.people)}</Table.Td></Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )}
        </Panel>
        <Panel title={t('rehearsal.collisions')}>
          {report.collisions.length === 0 ? <Text size="sm" c="dimmed">{t('rehearsal.collisions_none')}</Text> : (
            <Table aria-label={t('rehearsal.collisions')} verticalSpacing={5}>
              <Table.Thead><Table.Tr><Table.Th scope="col">{t('rehearsal.journey')}</Table.Th><Table.Th scope="col" ta="right">{t('rehearsal.collision_people')}</Table.Th><Table.Th scope="col" ta="right">{t('rehearsal.collision_days')}</Table.Th><Table.Th scope="col" ta="right">{t('rehearsal.collision_excluded')}</Table.Th></Table.Tr></Table.Thead>
              <Table.Tbody>{report.collisions.map((one) => <Table.Tr key={one.journey_id}><Table.Td>{one.name}</Table.Td><Table.Td ta="right">{format.number(one.people)}</Table.Td><Table.Td ta="right">{format.number(one.days)}</Table.Td><Table.Td ta="right">{format.number(one.excluded)}</Table.Td></Table.Tr>)}</Table.Tbody>
            </Table>
          )}
        </Panel>
        <Panel title={t('rehearsal.ends')}>{points(Object.entries(report.finished).sort((a, b) => b[1] - a[1]).map(([did, people]) => `${reason(did)}: ${format.number(people)}`), t('rehearsal.ends_none'))}</Panel>
        <Panel title={t('rehearsal.dead')}>{points(report.dead.map((one) => (one.did ? t('rehearsal.dead_way', { step: stepName(one.step), exit: exit(one.step, one.did) }) : t('rehearsal.dead_step', { step: stepName(one.step) }))), t('rehearsal.dead_none'))}</Panel>
        <Panel title={t('rehearsal.for_ever')}>{points(forEver.map((one) => t('rehearsal.for_ever_at', { people: format.number(one.for_ever), step: stepName(one.step) })), t('rehearsal.for_ever_none'))}</Panel>
        {report.circles.length > 0 && <Panel title={t('rehearsal.circles')}>{points(report.circles.map((one) => t('rehearsal.circle', { people: format.number(one.people), rounds: format.number(one.most_rounds), steps: one.steps.map(stepName).join(' → ') })), '')}</Panel>}
        {report.slow_days.length > 0 && <Panel title={t('rehearsal.slow')}>{points(report.slow_days.map((one) => t('rehearsal.slow_at', { day: format.date(one.day), messages: format.number(one.messages), channel: channel(one.channel) })), '')}</Panel>}
        <Panel title={t('rehearsal.assumed')}><Box>{points(report.assumed.map((one) => t(`rehearsal.assumption.${one}`, { defaultValue: one.replaceAll('_', ' ') })), '—')}</Box></Panel>
      </SimpleGrid>
    </Stack>
  );
}
