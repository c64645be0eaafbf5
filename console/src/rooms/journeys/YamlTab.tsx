import { Button, CopyButton, FileButton, Group, Skeleton, Stack, Text, Textarea } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { IconCopy, IconDownload, IconUpload } from '@/design/icons';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done } from '@/design/toast';
import { pathOf, useKeep, type Journey } from './api';
import { download } from './yaml';

/** The draft as YAML, as it is kept in git: read, taken along, written over. */
export function YamlTab({ journey, mayWrite }: { journey: Journey; mayWrite: boolean }) {
  const { t } = useTranslation();
  const keep = useKeep();
  const [written, setWritten] = useState<string | null>(null);
  const shown = useQuery({
    queryKey: ['journey-yaml', journey.id, journey.draft_revision],
    queryFn: () => take(api.GET('/v1/journeys/{journey_id}/yaml', pathOf(journey.id))),
  });
  const save = useMutation({
    mutationFn: (yaml: string) => take(api.PUT('/v1/journeys/{journey_id}/yaml', { ...pathOf(journey.id), body: { yaml, revision: shown.data?.revision ?? journey.draft_revision } })),
    onSuccess: (saved) => {
      keep(saved);
      setWritten(null);
      done(t('journeys.yaml_saved'));
    },
  });
  const text = written ?? shown.data?.yaml ?? '';
  return (
    <Panel
      title={t('journeys.tab.yaml')}
      hint={t('journeys.yaml_hint')}
      actions={
        <>
          <CopyButton value={text}>{({ copied, copy }) => <Button size="xs" variant="default" leftSection={<IconCopy size={14} />} onClick={copy}>{t(copied ? 'common.copied' : 'common.copy')}</Button>}</CopyButton>
          <Button size="xs" variant="default" leftSection={<IconDownload size={14} />} onClick={() => download(journey.name, text)}>{t('journeys.yaml_download')}</Button>
          {mayWrite && (
            <FileButton accept=".yaml,.yml,application/yaml,text/yaml" onChange={(file) => void file?.text().then(setWritten)}>
              {(props) => <Button {...props} size="xs" variant="default" leftSection={<IconUpload size={14} />}>{t('journeys.yaml_upload')}</Button>}
            </FileButton>
          )}
        </>
      }
    >
      <Stack gap="sm">
        <ProblemAlert error={shown.error ?? save.error} />
        {shown.isLoading ? <Skeleton height={400} /> : (
          <Textarea
            aria-label={t('journeys.tab.yaml')}
            autosize
            minRows={18}
            maxRows={40}
            spellCheck={false}
            readOnly={!mayWrite}
            styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: '0.8125rem' } }}
            value={text}
            onChange={(event) => setWritten(event.currentTarget.value)}
          />
        )}
        {written !== null && (
          <Group>
            <Button loading={save.isPending} onClick={() => save.mutate(written)}>{t('journeys.yaml_save')}</Button>
            <Button variant="default" onClick={() => { setWritten(null); save.reset(); }}>{t('common.cancel')}</Button>
            <Text size="xs" c="dimmed">{t('journeys.yaml_over')}</Text>
          </Group>
        )}
      </Stack>
    </Panel>
  );
}
