import { Button, Code, Group, Select, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useMay } from '@/api/session';
import { DataTable } from '@/design/DataTable';
import { EmptyState } from '@/design/EmptyState';
import { useFormat } from '@/design/format';
import { IconPlus, IconShield } from '@/design/icons';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { FormDialog } from '@/design/SaveForm';
import { done, failed } from '@/design/toast';
import { CentrePanel } from './CentrePanel';
import { Suppressions } from './Suppressions';
import { LANGUAGES } from './wishes';

type Topic = Schema<'TopicRow'>;
const TRANSLATED = ['ru', 'zh'] as const;

function TopicForm({ topic, onClose }: { topic: Topic | null; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const form = useForm({
    initialValues: {
      name: topic?.name ?? '',
      title: topic?.title ?? '',
      description: topic?.description ?? '',
      translations: Object.fromEntries(
        TRANSLATED.map((one) => [one, { title: topic?.translations[one]?.title ?? '', description: topic?.translations[one]?.description ?? '' }]),
      ) as Record<(typeof TRANSLATED)[number], { title: string; description: string }>,
    },
  });
  const save = useMutation({
    mutationFn: ({ name, ...said }: typeof form.values) =>
      topic
        ? take(api.PUT('/v1/topics/{name}', { params: { path: { name: topic.name } }, body: said }))
        : take(api.POST('/v1/topics', { body: { name, ...said } })),
    onSuccess: () => {
      done(t('common.saved'));
      void client.invalidateQueries({ queryKey: ['topics'] });
      onClose();
    },
  });
  return (
    <FormDialog title={topic ? topic.title : t('consent.new_topic')} saving={save} onSubmit={form.onSubmit((values) => save.mutate(values))} onClose={onClose}>
      {!topic && (
        <TextInput
          label={t('consent.topic_key')}
          description={t('consent.topic_key_hint')}
          pattern="[a-z][a-z0-9_\-]*"
          required
          data-autofocus
          {...form.getInputProps('name')}
        />
      )}
      <TextInput label={t('consent.topic_title')} required {...form.getInputProps('title')} />
      <Textarea label={t('common.description')} autosize minRows={2} {...form.getInputProps('description')} />
      {TRANSLATED.map((one) => (
        <Group key={one} grow align="flex-start">
          <TextInput label={t('consent.title_in', { language: LANGUAGES[one] })} maxLength={200} {...form.getInputProps(`translations.${one}.title`)} />
          <TextInput label={t('consent.description_in', { language: LANGUAGES[one] })} maxLength={1000} {...form.getInputProps(`translations.${one}.description`)} />
        </Group>
      ))}
    </FormDialog>
  );
}

/** What customers can be written to about, the page on which they choose, and the addresses nothing is sent to. */
export default function ConsentTab() {
  const { t } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const may = useMay('consent:write');
  const [editing, setEditing] = useState<Topic | 'new' | null>(null);
  const topics = useQuery({ queryKey: ['topics'], queryFn: () => take(api.GET('/v1/topics')) });
  const remove = useMutation({
    mutationFn: (name: string) => take(api.DELETE('/v1/topics/{name}', { params: { path: { name } } })),
    onSuccess: () => void client.invalidateQueries({ queryKey: ['topics'] }),
    onError: failed,
  });
  const restore = useMutation({
    mutationFn: (topic: Topic) => take(api.POST('/v1/topics', { body: { name: topic.name, title: topic.title, description: topic.description, translations: topic.translations } })),
    onSuccess: () => void client.invalidateQueries({ queryKey: ['topics'] }),
    onError: failed,
  });
  const take_away = (topic: Topic) =>
    remove.mutate(topic.name, { onSuccess: () => done(t('consent.topic_removed', { title: topic.title }), () => restore.mutate(topic)) });
  const add = may && <Button leftSection={<IconPlus size={16} />} onClick={() => setEditing('new')}>{t('consent.new_topic')}</Button>;
  return (
    <Stack>
      <Panel title={t('consent.topics')} hint={t('consent.topics_hint')} flush actions={add}>
        <ProblemAlert error={topics.error} />
        <DataTable
          label={t('consent.topics')}
          rows={topics.data}
          loading={topics.isLoading}
          rowKey={(topic) => topic.name}
          empty={<EmptyState icon={IconShield} title={t('consent.no_topics')} action={add}>{t('consent.no_topics_hint')}</EmptyState>}
          columns={[
            {
              key: 'title',
              head: t('consent.topic_title'),
              cell: (topic) => (
                <div>
                  <Text size="sm" fw={550}>{topic.title}</Text>
                  {topic.description && <Text size="xs" c="dimmed">{topic.description}</Text>}
                </div>
              ),
            },
            { key: 'name', head: t('consent.topic_key'), cell: (topic) => <Code>{topic.name}</Code> },
            { key: 'granted', head: t('state.granted'), right: true, cell: (topic) => format.number(topic.granted) },
            { key: 'withdrawn', head: t('state.withdrawn'), right: true, cell: (topic) => format.number(topic.withdrawn) },
            {
              key: 'do',
              head: t('common.actions'),
              right: true,
              cell: (topic) =>
                may ? (
                  <Group gap={4} justify="flex-end" wrap="nowrap">
                    <Button size="compact-xs" variant="subtle" onClick={() => setEditing(topic)}>{t('common.edit')}</Button>
                    <Button size="compact-xs" variant="subtle" color="red" onClick={() => take_away(topic)}>{t('common.remove')}</Button>
                  </Group>
                ) : null,
            },
          ]}
        />
      </Panel>
      <CentrePanel />
      <Suppressions />
      {editing && <TopicForm topic={editing === 'new' ? null : editing} onClose={() => setEditing(null)} />}
    </Stack>
  );
}

/** The channels a customer can be reached on, for a select. */
export function useChannelKinds() {
  return useQuery({ queryKey: ['channel-kinds'], queryFn: () => take(api.GET('/v1/channel-kinds')), staleTime: 60_000 });
}

/** The channels customers can be reached by, in the reader's language; one that came in a package by its own title. */
export function useChannelKindOptions(): { value: string; label: string }[] {
  const { t } = useTranslation();
  return (useChannelKinds().data ?? []).map((kind) => ({ value: kind.name, label: t(`channel.${kind.name}`, { defaultValue: kind.title }) }));
}

export function ChannelSelect({ value, onChange, label }: { value: string | null; onChange: (channel: string | null) => void; label: string }) {
  const options = useChannelKindOptions();
  return (
    <Select
      label={label}
      required
      data={options}
      value={value}
      onChange={onChange}
      allowDeselect={false}
    />
  );
}
