import { Anchor, Autocomplete, Button, Drawer, Group, Stack, Text, ThemeIcon, UnstyledButton } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import { DataTable } from '@/design/DataTable';
import { EmptyState } from '@/design/EmptyState';
import { useFormat } from '@/design/format';
import { IconEvents, IconPause, IconPlay } from '@/design/icons';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { faceOf } from './faces';
import { Glance, Whole } from './Properties';
import { useStream } from './stream';
import { namesQuery } from './vocabulary';

type Event = Schema<'EventShown'>;

function Name({ event, onOpen }: { event: Event; onOpen: () => void }) {
  const { t } = useTranslation();
  const [Icon, colour] = faceOf(event.kind, event.name);
  return (
    <Group gap="sm" wrap="nowrap">
      <ThemeIcon size={26} radius="xl" variant="light" color={colour} aria-hidden><Icon size={14} stroke={1.7} /></ThemeIcon>
      <UnstyledButton onClick={onOpen}>
        <Text size="sm" fw={550}>{event.name || t(`events.kind_${event.kind}`, { defaultValue: event.kind })}</Text>
      </UnstyledButton>
    </Group>
  );
}

/** Events as they arrive, newest on top; it can be held still and narrowed to one name. */
export function LiveStream() {
  const { t } = useTranslation();
  const format = useFormat();
  const [typed, setTyped] = useState('');
  const [name] = useDebouncedValue(typed.trim(), 300);
  const [held, setHeld] = useState(false);
  const [open, setOpen] = useState<Event | null>(null);
  const names = useQuery(namesQuery(''));
  const stream = useStream(name, held);
  const today = format.date(new Date().toISOString());
  const clock = (at: string) => (format.date(at) === today ? format.time(at) : format.exact(at));
  return (
    <>
      <Group mb="md" justify="space-between">
        <Autocomplete
          aria-label={t('events.name')}
          placeholder={t('events.any_name')}
          data={(names.data ?? []).map((one) => one.name).filter(Boolean)}
          value={typed}
          onChange={setTyped}
          w={260}
        />
        <Button
          variant="default"
          leftSection={held ? <IconPlay size={15} /> : <IconPause size={15} />}
          onClick={() => setHeld(!held)}
          aria-pressed={held}
        >
          {held ? t('events.go_on') : t('events.hold')}
        </Button>
      </Group>
      <ProblemAlert error={stream.error} />
      <Panel flush>
        <DataTable
          label={t('events.tab_live')}
          rows={stream.rows}
          loading={stream.rows === undefined}
          rowKey={(event) => `${event.lane}-${event.seq}`}
          onOpen={setOpen}
          fresh={(event) => stream.isFresh(event)}
          empty={<EmptyState icon={IconEvents} title={t('events.empty')}>{t('events.empty_hint')}</EmptyState>}
          columns={[
            { key: 'name', head: t('events.event'), cell: (event) => <Name event={event} onOpen={() => setOpen(event)} /> },
            {
              key: 'who',
              head: t('common.customer'),
              cell: (event) =>
                event.profile_id === null ? (
                  <Text size="sm" c="dimmed">{t('events.nobody')}</Text>
                ) : (
                  <Anchor component={Link} to={`/customers/${event.profile_id}`} size="sm">{event.customer ?? t('profiles.unnamed', { id: event.profile_id })}</Anchor>
                ),
            },
            { key: 'what', head: t('events.properties'), cell: (event) => <Glance properties={event.properties} /> },
            { key: 'at', head: t('events.received'), right: true, cell: (event) => <Text size="sm" c="dimmed">{clock(event.received_at)}</Text> },
          ]}
        />
      </Panel>
      <Drawer opened={open !== null} onClose={() => setOpen(null)} title={open && (open.name || t(`events.kind_${open.kind}`, { defaultValue: open.kind }))} size="lg" closeButtonProps={{ 'aria-label': t('common.close') }}>
        {open && (
          <Stack gap="sm">
            <Text size="sm" c="dimmed">{t('events.happened', { when: format.dateTime(open.ts), received: clock(open.received_at) })}</Text>
            {open.profile_id !== null && <Anchor component={Link} to={`/customers/${open.profile_id}`} size="sm">{t('delivery.open_customer')}</Anchor>}
            <Whole label={t('events.properties')} value={open.properties} />
            {open.context && <Whole label={t('events.context')} value={open.context} />}
          </Stack>
        )}
      </Drawer>
    </>
  );
}
