import { Anchor, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useFormat } from '@/design/format';
import { Moment } from '@/design/Moment';
import { Panel } from '@/design/Panel';

function Others({ label, found }: { label: string; found: Schema<'SegmentUse'>[] }) {
  const { t } = useTranslation();
  if (found.length === 0) return null;
  return (
    <div>
      <Text size="xs" fw={600} c="dimmed" mb={4}>{label}</Text>
      <Stack gap={4}>
        {found.map((one) => (
          <Text key={one.id} size="sm" component="div">
            <Anchor component={Link} to={`/segments/${one.id}`} size="sm">{one.name}</Anchor>
            {!one.direct && <Text span size="xs" c="dimmed">{` ${t('sets.through_others')}`}</Text>}
          </Text>
        ))}
      </Stack>
    </div>
  );
}

/** How fresh the members are, which segments use this one, and which it uses. */
export function Uses({ segment }: { segment: Schema<'SegmentItem'> }) {
  const { t } = useTranslation();
  const format = useFormat();
  const uses = useQuery({
    queryKey: ['segment-uses', segment.id, segment.version],
    queryFn: () => take(api.GET('/v1/segments/{segment_id}/uses', { params: { path: { segment_id: segment.id } } })),
  });
  return (
    <Panel title={t('sets.standing')} label={t('sets.standing')}>
      <Stack gap="md">
        <div>
          <Text size="sm" component="div">
            {segment.evaluated_at === null ? t('segments.no_growth') : <>{t('sets.true_for')} <Moment at={segment.evaluated_at} /></>}
          </Text>
          {segment.kind === 'rule' && <Text size="sm" mt={4}>{t(`sets.fresh_${segment.freshness}`)}</Text>}
          {segment.not_live && <Text size="xs" c="dimmed" mt={2}>{t('sets.not_live', { why: segment.not_live })}</Text>}
          {segment.took_ms !== null && segment.kind === 'rule' && (
            <Text size="xs" c="dimmed">{t('sets.took', { ms: format.number(segment.took_ms) })}</Text>
          )}
        </div>
        {uses.data && (
          <>
            <Others label={t('sets.used_by')} found={uses.data.used_by} />
            <Others label={t('sets.uses')} found={uses.data.uses} />
            {uses.data.used_by.length === 0 && <Text size="sm" c="dimmed">{t('sets.unused')}</Text>}
            <Anchor component={Link} to={'/segments/sets'} search={{ ids: String(segment.id) } as never} size="sm">{t('sets.lay_over')}</Anchor>
          </>
        )}
      </Stack>
    </Panel>
  );
}
