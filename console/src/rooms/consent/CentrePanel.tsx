import { Anchor, Button, Group, MultiSelect, SimpleGrid, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useMay } from '@/api/session';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done } from '@/design/toast';
import { useChannelKindOptions } from './ConsentTab';
import { LANGUAGES, type Tongue } from './wishes';

const TONGUES = Object.keys(LANGUAGES) as Tongue[];

function Look({ centre }: { centre: Schema<'PreferenceCentre'> }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const may = useMay('consent:manage');
  const kinds = useChannelKindOptions();
  const topics = useQuery({ queryKey: ['topics'], queryFn: () => take(api.GET('/v1/topics')) });
  const form = useForm({
    initialValues: {
      logo: centre.logo,
      titles: Object.fromEntries(TONGUES.map((one) => [one, centre.titles[one] ?? ''])) as Record<Tongue, string>,
      topics: centre.topics ?? [],
      channels: centre.channels ?? [],
      languages: centre.languages as Tongue[],
    },
  });
  const save = useMutation({
    mutationFn: (look: typeof form.values) =>
      take(
        api.PUT('/v1/preference-centre', {
          body: { ...look, topics: look.topics.length > 0 ? look.topics : null, channels: look.channels.length > 0 ? look.channels : null },
        }),
      ),
    onSuccess: () => {
      done(t('common.saved'));
      void client.invalidateQueries({ queryKey: ['preference-centre'] });
    },
  });
  return (
    <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
      <Stack gap="sm">
        <ProblemAlert error={save.error} />
        <SimpleGrid cols={{ base: 1, md: 2 }}>
          <TextInput label={t('consent.logo')} maxLength={80} disabled={!may} {...form.getInputProps('logo')} />
          {TONGUES.map((one) => (
            <TextInput key={one} label={t('consent.page_title', { language: LANGUAGES[one] })} maxLength={120} disabled={!may} {...form.getInputProps(`titles.${one}`)} />
          ))}
          <MultiSelect label={t('consent.shown_topics')} placeholder={form.values.topics.length === 0 ? t('consent.all_shown') : undefined} disabled={!may} data={(topics.data ?? []).map((one) => ({ value: one.name, label: one.title }))} {...form.getInputProps('topics')} />
          <MultiSelect label={t('consent.shown_channels')} placeholder={form.values.channels.length === 0 ? t('consent.all_shown') : undefined} disabled={!may} data={kinds} {...form.getInputProps('channels')} />
          <MultiSelect label={t('consent.shown_languages')} disabled={!may} data={TONGUES.map((one) => ({ value: one, label: LANGUAGES[one] }))} {...form.getInputProps('languages')} />
        </SimpleGrid>
        {may && (
          <Group justify="flex-end">
            <Button type="submit" loading={save.isPending} disabled={form.values.languages.length === 0}>{t('common.save')}</Button>
          </Group>
        )}
      </Stack>
    </form>
  );
}

/** How the page looks on which customers choose what they receive, with a look at it as they see it. */
export function CentrePanel() {
  const { t } = useTranslation();
  const centre = useQuery({ queryKey: ['preference-centre'], queryFn: () => take(api.GET('/v1/preference-centre')) });
  const preview = useQuery({ queryKey: ['preference-preview'], queryFn: () => take(api.GET('/v1/preference-centre/preview')) });
  return (
    <Panel
      title={t('consent.centre')}
      hint={t('consent.centre_hint')}
      actions={preview.data && <Anchor href={preview.data.url} target="_blank" rel="noreferrer" size="sm">{t('consent.preview')}</Anchor>}
    >
      <ProblemAlert error={centre.error} />
      {centre.data && <Look key={centre.data.changed_at} centre={centre.data} />}
    </Panel>
  );
}
