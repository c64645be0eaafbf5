import { Anchor, Button, Group, Select, Stack, Text, Textarea, TextInput, Timeline } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useMay } from '@/api/session';
import { useFormat } from '@/design/format';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { FormDialog } from '@/design/SaveForm';
import { Status } from '@/design/Status';
import { done } from '@/design/toast';
import { useChannelKinds } from './ConsentTab';
import { Proof } from './Proof';
import { useWishWords } from './wishes';

type State = 'granted' | 'withdrawn';

function Record({ id, onClose }: { id: number; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const kinds = useChannelKinds();
  const topics = useQuery({ queryKey: ['topics'], queryFn: () => take(api.GET('/v1/topics')) });
  const form = useForm({ initialValues: { channel: 'email', topic: '', state: 'granted' as State, source: '', text: '' } });
  const record = useMutation({
    mutationFn: (values: typeof form.values) =>
      take(
        api.POST('/v1/profiles/{profile_id}/consents', {
          params: { path: { profile_id: id } },
          body: { ...values, url: '', address: '', note: '', confirm: false },
        }),
      ),
    onSuccess: () => {
      done(t('consent.recorded'));
      void client.invalidateQueries({ queryKey: ['consents', id] });
      onClose();
    },
  });
  return (
    <FormDialog title={t('consent.record')} saving={record} action={t('consent.record')} onSubmit={form.onSubmit((values) => record.mutate(values))} onClose={onClose}>
      <Select label={t('channels.channel')} required allowDeselect={false} data={(kinds.data ?? []).map((kind) => ({ value: kind.name, label: kind.title }))} {...form.getInputProps('channel')} />
      <Select label={t('consent.topic')} required allowDeselect={false} data={(topics.data ?? []).map((topic) => ({ value: topic.name, label: topic.title }))} {...form.getInputProps('topic')} />
      <Select label={t('consent.said')} required allowDeselect={false} data={(['granted', 'withdrawn'] as const).map((state) => ({ value: state, label: t(`state.${state}`) }))} {...form.getInputProps('state')} />
      <TextInput label={t('consent.source')} description={t('consent.source_hint')} required {...form.getInputProps('source')} />
      <Textarea label={t('consent.text')} description={t('consent.text_hint')} autosize minRows={2} {...form.getInputProps('text')} />
    </FormDialog>
  );
}

function Ledger({ rows, titles }: { rows: Schema<'LedgerRow'>[]; titles: Record<string, string> }) {
  const { t } = useTranslation();
  const format = useFormat();
  const words = useWishWords();
  return (
    <Timeline bulletSize={12} lineWidth={2} mt="md">
      {rows.map((row) => (
        <Timeline.Item key={row.id} title={<Text size="sm" fw={550}>{`${titles[row.topic] ?? row.topic} · ${t(`channel.${row.channel}`, { defaultValue: row.channel })} · ${t(`state.${row.state}`)}`}</Text>}>
          <Text size="xs" c="dimmed">{`${format.dateTime(row.at)} · ${words.source(row.source)}`}</Text>
          <Proof evidence={row.evidence} />
        </Timeline.Item>
      ))}
    </Timeline>
  );
}

/** Since when it is so, where it was said, and which text was shown. */
function Why({ at, row }: { at: string; row: Schema<'LedgerRow'> | undefined }) {
  const format = useFormat();
  const words = useWishWords();
  return (
    <>
      <Text size="xs" c="dimmed">{row ? `${format.dateTime(at)} · ${words.source(row.source)}` : format.dateTime(at)}</Text>
      {row?.evidence.text && <Text size="xs" c="dimmed" fs="italic">{`“${row.evidence.text}”`}</Text>}
    </>
  );
}

/** What the customer allows, by channel and topic, with everything they ever said about it. */
export function ConsentPanel({ id }: { id: number }) {
  const { t } = useTranslation();
  const may = useMay('consent:write');
  const [recording, setRecording] = useState(false);
  const [history, setHistory] = useState(false);
  const consents = useQuery({
    queryKey: ['consents', id],
    queryFn: () => take(api.GET('/v1/profiles/{profile_id}/consents', { params: { path: { profile_id: id } } })),
  });
  const found = consents.data;
  return (
    <Panel
      title={t('consent.title')}
      actions={may && <Button size="compact-xs" variant="light" onClick={() => setRecording(true)}>{t('consent.record')}</Button>}
    >
      <ProblemAlert error={consents.error} />
      <Stack gap={9}>
        {found?.states.map((one) => (
          <div key={`${one.channel}:${one.topic}`}>
            <Group justify="space-between" wrap="nowrap">
              <Text size="sm">{`${one.topic_title} · ${t(`channel.${one.channel}`, { defaultValue: one.channel })}`}</Text>
              <Status state={one.state} />
            </Group>
            <Why at={one.at} row={found.ledger.items.find((row) => row.id === one.consent_id)} />
          </div>
        ))}
        {found?.states.length === 0 && <Text size="sm" c="dimmed">{t('consent.nothing_said')}</Text>}
      </Stack>
      {found && found.ledger.items.length > 0 && (
        <Anchor component="button" size="xs" mt="sm" onClick={() => setHistory(!history)} aria-expanded={history}>
          {t(history ? 'consent.hide_history' : 'consent.show_history')}
        </Anchor>
      )}
      {history && found && <Ledger rows={found.ledger.items} titles={Object.fromEntries(found.states.map((one) => [one.topic, one.topic_title]))} />}
      {recording && <Record id={id} onClose={() => setRecording(false)} />}
    </Panel>
  );
}
