import { Box, Group, Loader, Progress, Stack, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { Problem } from '@/api/problem';
import { useFormat } from '@/design/format';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { CustomerPicker } from '../profiles/CustomerPicker';
import { isInTree } from './builder/wrong';
import { Sample } from './Sample';
import { SegmentWhy } from './SegmentWhy';
import { isComplete, isEmpty } from './tree';
import type { Node } from './types';

/** How many the tree means, and some of them, counted anew at each pause in typing. */
export function LiveCount({ tree, onRefused }: { tree: Node; onRefused: (problem: Problem | null) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [asked] = useDebouncedValue(tree, 350);
  const complete = isComplete(asked);
  const [why, setWhy] = useState<{ id: number; name: string } | null>(null);
  const preview = useQuery({
    queryKey: ['segment-preview', asked],
    queryFn: () => take(api.POST('/v1/segments/preview', { body: { tree: asked, sample: 8 } })),
    enabled: complete,
    placeholderData: keepPreviousData,
    retry: false,
  });
  const everybody = useQuery({
    queryKey: ['profiles', 'total'],
    queryFn: () => take(api.GET('/v1/profiles', { params: { query: { limit: 1 } } })),
    staleTime: 30_000,
    retry: false,
  });
  const refused = complete && asked === tree && preview.error instanceof Problem ? preview.error : null;
  useEffect(() => onRefused(refused), [refused, onRefused]);
  const shown = preview.data;
  // How many there are in all is an estimate where they are many: a share is never above everybody.
  const total = everybody.data?.total ? Math.max(everybody.data.total, shown?.count ?? 0) : 0;
  return (
    <Panel title={t('segments.count')} label={t('segments.count')}>
      <div aria-live="polite" aria-busy={preview.isFetching}>
        <Group gap="sm" align="baseline">
          <Text fz={32} fw={650} lh={1.1} className="tabular" c="var(--text-strong)" data-testid="segment-count">
            {shown ? format.number(shown.count) : '…'}
          </Text>
          {preview.isFetching && <Loader size={16} role="img" aria-label={t('segments.counting')} />}
        </Group>
        {shown && total > 0 && (
          <>
            <Text size="sm" c="dimmed" mt={4}>{t('segments.count_share', { share: format.percent(shown.count, total) })}</Text>
            <Progress value={(100 * shown.count) / total} mt="xs" size="sm" aria-label={t('segments.count')} />
          </>
        )}
        {!complete && <Text size="sm" c="dimmed" mt="xs">{t('segments.incomplete')}</Text>}
        {complete && isEmpty(asked) && <Text size="sm" c="dimmed" mt="xs">{t('segments.everyone')}</Text>}
      </div>
      {isInTree(refused) ? (
        <Text size="sm" mt="sm" c="var(--mantine-color-error)">{t('build.look_left')}</Text>
      ) : (
        <Box mt="sm"><ProblemAlert error={complete ? preview.error : null} /></Box>
      )}
      {shown && (
        <Stack gap={8} mt="md">
          <Text size="xs" fw={600} c="dimmed">{t('segments.sample')}</Text>
          {shown.sample.length === 0 && <Text size="sm" c="dimmed">{t('segments.sample_none')}</Text>}
          {shown.sample.length > 0 && <Sample cards={shown.sample} onWhy={complete ? setWhy : undefined} />}
          <Text size="xs" c="dimmed">{t('segments.took', { ms: format.number(shown.took_ms) })}</Text>
          {complete && (
            <CustomerPicker
              label={t('segments.ask_why')}
              hideLabel
              value={why?.id ?? null}
              onChange={(id) => setWhy(id === null ? null : { id, name: t('profiles.unnamed', { id }) })}
            />
          )}
        </Stack>
      )}
      {why && complete && <SegmentWhy tree={asked} profile={why} onClose={() => setWhy(null)} />}
    </Panel>
  );
}
