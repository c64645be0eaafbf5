import { Button, Center, Collapse, Group, Skeleton, Text, ThemeIcon, Timeline, UnstyledButton } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { usePages } from '@/api/pages';
import { EmptyState } from '@/design/EmptyState';
import { useFormat } from '@/design/format';
import { IconEvents } from '@/design/icons';
import { Moment } from '@/design/Moment';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Attachments } from './Attachments';
import { faceOf } from './faces';
import { Glance, Whole } from './Properties';

type Event = Schema<'EventShown'>;

/** What an entry says in the reader's language; events keep the name they came with. */
function useTitle(event: Event): string {
  const { t } = useTranslation();
  const said = (key: string) => String(event.properties[key] ?? '');
  if (event.kind === 'consent') return t(`events.consent_${said('state')}`, { topic: said('topic_title'), defaultValue: event.name });
  if (event.kind === 'merge') return t('events.merged', { from: said('from') });
  return event.name || t(`events.kind_${event.kind}`, { defaultValue: event.kind });
}

function Line({ event }: { event: Event }) {
  const { t } = useTranslation();
  const title = useTitle(event);
  const [open, setOpen] = useState(false);
  return (
    <>
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <UnstyledButton onClick={() => setOpen(!open)} aria-expanded={open}>
          <Text size="sm" fw={570}>{title}</Text>
        </UnstyledButton>
        <Text size="xs" c="dimmed" component="span"><Moment at={event.ts} /></Text>
      </Group>
      {!open && <Glance properties={event.properties} />}
      <Attachments value={event.properties.attachments} />
      <Collapse expanded={open}>
        <Whole label={t('events.everything')} value={{ ...event.properties, ...(event.context ? { context: event.context } : {}) }} />
      </Collapse>
    </>
  );
}

/** Everything that happened with a customer, newest first, by day. */
export function CustomerTimeline({ id }: { id: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  const list = usePages(['timeline', id], (cursor) =>
    take(api.GET('/v1/profiles/{profile_id}/timeline', { params: { path: { profile_id: id }, query: { cursor, limit: 40 } } })),
  );
  const days = new Map<string, Event[]>();
  for (const event of list.rows ?? []) {
    const day = format.date(event.ts);
    days.set(day, [...(days.get(day) ?? []), event]);
  }
  return (
    <Panel label={t('profiles.tab_timeline')}>
      <ProblemAlert error={list.error} onRetry={list.retry} />
      {list.loading && <Skeleton height={240} />}
      {list.rows?.length === 0 && <EmptyState icon={IconEvents} title={t('events.none_of_customer')}>{t('events.none_of_customer_hint')}</EmptyState>}
      {[...days].map(([day, events]) => (
        <section key={day} aria-label={day}>
          <Text size="xs" fw={600} c="dimmed" mb="xs" mt="md">{day}</Text>
          <Timeline bulletSize={26} lineWidth={1} active={-1}>
            {events.map((event) => {
              const [Icon, colour] = faceOf(event.kind, event.name);
              return (
                <Timeline.Item
                  key={`${event.lane}-${event.seq}`}
                  bullet={<ThemeIcon size={26} radius="xl" variant="light" color={colour} aria-hidden><Icon size={14} stroke={1.7} /></ThemeIcon>}
                >
                  <Line event={event} />
                </Timeline.Item>
              );
            })}
          </Timeline>
        </section>
      ))}
      {list.more && <Center mt="md"><Button variant="subtle" size="xs" onClick={list.more} loading={list.loadingMore}>{t('common.more')}</Button></Center>}
    </Panel>
  );
}
