import { Button, Drawer, Group, Skeleton, Stack, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useMay } from '@/api/session';
import { useFormat } from '@/design/format';
import { IconRestore } from '@/design/icons';
import { Mark } from '@/design/Mark';
import { Moment } from '@/design/Moment';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done, failed } from '@/design/toast';
import { MembersDiff } from './MembersDiff';
import { Sentence } from './Sentence';

/** Every tree the segment had: what each would change now, and the way back to it. */
export function Versions({ segment }: { segment: Schema<'SegmentItem'> }) {
  const { t } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const may = useMay('segments:write') && segment.state === 'active';
  const [compared, setCompared] = useState<number | null>(null);
  const path = { segment_id: segment.id };
  const versions = useQuery({
    queryKey: ['segment-versions', segment.id, segment.version],
    queryFn: () => take(api.GET('/v1/segments/{segment_id}/versions', { params: { path } })),
  });
  const restore = useMutation({
    mutationFn: (version: number) => take(api.POST('/v1/segments/{segment_id}/versions/{version}/restore', { params: { path: { ...path, version } } })),
    onSuccess: (saved) => {
      setCompared(null);
      client.setQueryData(['segment', String(saved.id)], saved);
      void client.invalidateQueries({ queryKey: ['segment-versions', segment.id] });
      void client.invalidateQueries({ queryKey: ['segments'] });
      done(t('sets.version_restored', { version: saved.version }));
    },
    onError: failed,
  });
  return (
    <Panel title={t('sets.versions')} hint={t('sets.versions_hint')}>
      <ProblemAlert error={versions.error} onRetry={() => void versions.refetch()} />
      {versions.isLoading && <Skeleton height={120} />}
      <Stack gap="lg" component="ol" m={0} p={0} style={{ listStyle: 'none' }}>
        {versions.data?.items.map((one) => (
          <Group key={one.version} component="li" justify="space-between" align="flex-start" wrap="nowrap">
            <div style={{ minWidth: 0 }}>
              <Group gap="xs">
                <Text size="sm" fw={600}>{t('sets.version', { version: one.version })}</Text>
                {one.version === segment.version && <Mark colour="teal" size="sm">{t('sets.in_force')}</Mark>}
                <Text size="xs" c="dimmed" component="span">{one.published_by} · <Moment at={one.published_at} /></Text>
              </Group>
              <Text size="sm" c="dimmed" mt={2}><Sentence node={one.tree} /></Text>
            </div>
            {one.version !== segment.version && (
              <Button size="compact-sm" variant="light" aria-label={t('sets.compare_version', { version: one.version })} onClick={() => setCompared(one.version)}>
                {t('sets.compare')}
              </Button>
            )}
          </Group>
        ))}
      </Stack>
      {compared !== null && (
        <Drawer opened onClose={() => setCompared(null)} size="lg" title={t('sets.back_to', { version: format.number(compared) })} closeButtonProps={{ 'aria-label': t('common.close') }}>
          <MembersDiff segmentId={segment.id} compared={{ version: compared }} />
          {may && (
            <Button mt="lg" leftSection={<IconRestore size={15} />} loading={restore.isPending} onClick={() => restore.mutate(compared)}>
              {t('sets.restore_version', { version: compared })}
            </Button>
          )}
        </Drawer>
      )}
    </Panel>
  );
}
