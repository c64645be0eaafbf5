import { Anchor, Button, Group, Stack, Text, Timeline } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useMay } from '@/api/session';
import { useFormat } from '@/design/format';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Proof } from './Proof';
import { RecordPreferences } from './RecordPreferences';
import { useWishWords } from './wishes';

/** How the customer wants to be written to, in their own words, with everything they ever said about it. */
export function PreferencePanel({ id }: { id: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  const words = useWishWords();
  const may = useMay('consent:write');
  const [recording, setRecording] = useState(false);
  const [history, setHistory] = useState(false);
  const found = useQuery({
    queryKey: ['preferences', id],
    queryFn: () => take(api.GET('/v1/profiles/{profile_id}/preferences', { params: { path: { profile_id: id } } })),
  });
  const stated = found.data;
  return (
    <Panel
      title={t('consent.preferences')}
      hint={t('consent.preferences_hint')}
      actions={may && (
        <Button size="compact-xs" variant="light" aria-label={t('consent.record_preferences')} onClick={() => setRecording(true)}>
          {t('consent.record')}
        </Button>
      )}
    >
      <ProblemAlert error={found.error} />
      <Stack gap={9}>
        {stated?.current.map((wish) => (
          <div key={wish.aspect}>
            <Group justify="space-between" wrap="nowrap" align="flex-start">
              <Text size="sm" c="dimmed">{t(`consent.wish_${wish.aspect}`)}</Text>
              <Text size="sm" fw={500} ta="right">{words.value(wish.aspect, wish.value)}</Text>
            </Group>
            <Text size="xs" c="dimmed">{`${format.dateTime(wish.at)} · ${words.source(wish.source)}`}</Text>
          </div>
        ))}
        {stated?.current.length === 0 && <Text size="sm" c="dimmed">{t('consent.no_preferences')}</Text>}
      </Stack>
      {stated && stated.changes.items.length > 0 && (
        <Anchor component="button" size="xs" mt="sm" onClick={() => setHistory(!history)} aria-expanded={history}>
          {t(history ? 'consent.hide_changes' : 'consent.show_changes')}
        </Anchor>
      )}
      {history && stated && (
        <Timeline bulletSize={12} lineWidth={2} mt="md">
          {stated.changes.items.map((row) => (
            <Timeline.Item
              key={row.id}
              title={<Text size="sm" fw={550}>{`${t(`consent.wish_${row.aspect}`)}: ${words.value(row.aspect, row.value)}`}</Text>}
            >
              <Text size="xs" c="dimmed">{`${format.dateTime(row.at)} · ${words.source(row.source)}`}</Text>
              <Proof evidence={row.evidence} />
            </Timeline.Item>
          ))}
        </Timeline>
      )}
      {recording && <RecordPreferences id={id} current={stated?.current ?? []} onClose={() => setRecording(false)} />}
    </Panel>
  );
}
