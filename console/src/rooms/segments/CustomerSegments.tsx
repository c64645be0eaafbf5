import { Anchor, Button, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { DataTable } from '@/design/DataTable';
import { EmptyState } from '@/design/EmptyState';
import { IconSegments } from '@/design/icons';
import { Moment } from '@/design/Moment';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { SegmentPicker } from './SegmentPicker';
import { SegmentWhy } from './SegmentWhy';

/** The segments a customer is in, and for any segment why they are in or out. */
export function CustomerSegments({ id, name }: { id: number; name: string }) {
  const { t } = useTranslation();
  const [asked, setAsked] = useState<number | null>(null);
  const inside = useQuery({
    queryKey: ['profile-segments', id],
    queryFn: () => take(api.GET('/v1/profiles/{profile_id}/segments', { params: { path: { profile_id: id } } })),
  });
  return (
    <Panel
      title={t('profiles.tab_segments')}
      flush
      actions={<SegmentPicker label={t('segments.ask_why_segment')} hideLabel value={null} onChange={setAsked} />}
    >
      <ProblemAlert error={inside.error} />
      <DataTable
        label={t('profiles.tab_segments')}
        rows={inside.data?.items}
        loading={inside.isLoading}
        rowKey={(one) => one.id}
        empty={<EmptyState icon={IconSegments} title={t('segments.in_none')}>{t('segments.in_none_hint')}</EmptyState>}
        columns={[
          { key: 'name', head: t('segments.segment'), cell: (one) => <Anchor component={Link} to={`/segments/${one.id}`} size="sm" fw={550}>{one.name}</Anchor> },
          { key: 'at', head: t('segments.freshness'), cell: (one) => <Text size="sm" c="dimmed" component="span"><Moment at={one.evaluated_at} /></Text> },
          {
            key: 'why',
            head: t('common.actions'),
            right: true,
            cell: (one) => <Button size="compact-xs" variant="light" onClick={() => setAsked(one.id)}>{t('segments.why')}</Button>,
          },
        ]}
      />
      {asked !== null && <SegmentWhy segmentId={asked} profile={{ id, name }} onClose={() => setAsked(null)} />}
    </Panel>
  );
}
