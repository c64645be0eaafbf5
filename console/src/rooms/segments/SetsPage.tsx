import { Alert, Grid, Skeleton, Stack, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { EmptyState } from '@/design/EmptyState';
import { useFormat } from '@/design/format';
import { IconSegments } from '@/design/icons';
import { Page } from '@/design/Page';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { useAddress } from '@/shell/address';
import { Combination } from './Combination';
import { Euler } from './Euler';
import { OverlapMatrix } from './OverlapMatrix';
import { SegmentsPicker } from './SegmentPicker';

const MOST = 30;
const DRAWN = 3;

/** Segments laid over each other, and new ones made of them. */
export default function SetsPage() {
  const { t } = useTranslation();
  const format = useFormat();
  const [address, change] = useAddress<'ids'>();
  const ids = (address.ids ?? '').split('-').map(Number).filter((id) => id > 0).slice(0, MOST);
  const found = useQuery({
    queryKey: ['segment-overlap', ids],
    queryFn: () => take(api.POST('/v1/segments/overlap', { body: { ids } })),
    enabled: ids.length > 0,
    placeholderData: keepPreviousData,
    refetchInterval: 10_000,
  });
  const overlap = ids.length > 0 ? found.data : undefined;
  const oldest = overlap?.segments.map((one) => one.evaluated_at).filter((at) => at !== null).sort()[0];
  return (
    <Page title={t('sets.title')} lead={t('sets.lead')} back={{ to: '/segments', label: t('nav.segments') }}>
      <Stack>
        <Panel>
          <SegmentsPicker
            label={t('sets.which')}
            description={t('sets.which_hint', { most: MOST })}
            value={ids}
            onChange={(next) => change({ ids: next.slice(0, MOST).join('-') || null })}
          />
        </Panel>
        <ProblemAlert error={found.error} onRetry={() => void found.refetch()} />
        {ids.length === 0 && (
          <Panel><EmptyState icon={IconSegments} title={t('sets.none')}>{t('sets.none_hint')}</EmptyState></Panel>
        )}
        {ids.length > 0 && found.isLoading && <Skeleton height={280} />}
        {overlap && (
          <Grid gap="md">
            <Grid.Col span={{ base: 12, lg: 8 }}>
              <Panel title={t('sets.overlap')} hint={oldest && t('sets.as_of', { at: format.exact(oldest) })}>
                {overlap.segments.length <= DRAWN ? <Euler overlap={overlap} /> : <OverlapMatrix overlap={overlap} />}
                {overlap.segments.length <= DRAWN && overlap.segments.length > 1 && (
                  <Text size="xs" c="dimmed" mt="sm">
                    {overlap.pairs
                      .map((pair) =>
                        t('sets.likeness', {
                          first: overlap.segments.find((one) => one.id === pair.first)?.name,
                          second: overlap.segments.find((one) => one.id === pair.second)?.name,
                          share: format.percent(pair.jaccard, 1),
                        }),
                      )
                      .join(' · ')}
                  </Text>
                )}
                {overlap.segments.length === DRAWN && <Text size="xs" c="dimmed" mt={4}>{t('sets.near')}</Text>}
                {overlap.total === 0 && <Alert mt="sm" variant="light">{t('sets.all_empty')}</Alert>}
              </Panel>
            </Grid.Col>
            <Grid.Col span={{ base: 12, lg: 4 }}><Combination segments={overlap.segments} /></Grid.Col>
          </Grid>
        )}
      </Stack>
    </Page>
  );
}
