import { Alert, Button, Group, Progress, SimpleGrid, Skeleton, Stack, Table, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useMay } from '@/api/session';
import { useFormat } from '@/design/format';
import { IconDownload } from '@/design/icons';
import { Mark } from '@/design/Mark';
import { Page } from '@/design/Page';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Stat } from '@/design/Stat';
import { Status } from '@/design/Status';
import { done, failed } from '@/design/toast';
import { useId } from '@/shell/address';
import { useJobSays } from '../overview/says';
import { MapTold } from './MapTold';
import type { ImportMap } from './roles';

/** One import: how far it is, what became of its rows, and the refused ones with their reasons. */
export default function ImportPage() {
  const { t } = useTranslation();
  const format = useFormat();
  const navigate = useNavigate();
  const client = useQueryClient();
  const id = useId();
  const told = useJobSays();
  const may = useMay('imports:write');
  const path = { params: { path: { import_id: id } } };
  const asked = useQuery({
    queryKey: ['import', id],
    queryFn: () => take(api.GET('/v1/imports/{import_id}', path)),
    refetchInterval: (query) => (query.state.data && ['waiting', 'running'].includes(query.state.data.state) ? 500 : false),
  });
  const one = asked.data;
  const stop = useMutation({
    mutationFn: () => take(api.POST('/v1/imports/{import_id}/cancel', path)),
    onSuccess: (changed) => {
      client.setQueryData(['import', id], changed);
      done(t('imports.stopping'));
    },
    onError: failed,
  });
  const real = useMutation({
    mutationFn: () => take(api.POST('/v1/imports', { body: { file_id: one?.file_id ?? 0, map: one?.map as unknown as ImportMap, dry_run: false } })),
    onSuccess: (started) => void navigate({ to: `/imports/${started.id}` }),
    onError: failed,
  });
  const moving = one?.state === 'waiting' || one?.state === 'running';
  const share = one?.total ? (100 * one.done) / one.total : 0;
  return (
    <Page
      title={one?.file ?? t('imports.import')}
      back={{ to: '/imports', label: t('nav.imports') }}
      lead={one && t('imports.summary', { kind: t(`imports.kind_${one.kind}`), size: format.bytes(one.size), when: format.dateTime(one.created_at) })}
      badge={
        one && (
          <Group gap={6}>
            <Status state={one.state} size="lg" />
            {one.dry_run && <Mark colour="grape" size="lg">{t('imports.dry_run')}</Mark>}
          </Group>
        )
      }
      actions={
        one && may && (
          <>
            {moving && <Button variant="default" loading={stop.isPending} onClick={() => stop.mutate()}>{t('imports.stop')}</Button>}
            {one.state === 'done' && one.dry_run && <Button loading={real.isPending} onClick={() => real.mutate()}>{t('imports.begin')}</Button>}
          </>
        )
      }
    >
      <ProblemAlert error={asked.error} onRetry={() => void asked.refetch()} />
      {asked.isLoading && <Skeleton height={240} />}
      {one && (
        <Stack>
          {moving && (
            <Panel>
              <Group justify="space-between" mb={6}>
                <Text size="sm" fw={570} role="status">{one.message ? told(one.message) : t('common.working')}</Text>
                <Text size="sm" c="dimmed" className="tabular">{one.total ? format.percent(one.done, one.total) : ''}</Text>
              </Group>
              <Progress value={one.total ? share : 100} animated size="lg" radius="xl" aria-label={t('imports.progress', { name: one.file })} />
            </Panel>
          )}
          {one.error && <Alert color="red" title={t('imports.failed')}>{one.error}</Alert>}
          {one.dry_run && one.state === 'done' && <Alert variant="light">{t('imports.dry_done')}</Alert>}
          <SimpleGrid cols={{ base: 2, sm: 3, lg: 5 }}>
            <Stat label={t('imports.read')} value={format.number(one.rows)} />
            {one.dry_run ? (
              <Stat label={t('imports.good')} value={format.number(one.rows - one.refused)} />
            ) : (
              <>
                <Stat label={t(`imports.made_${one.kind}`)} value={format.number(one.made)} />
                <Stat label={t('imports.changed')} value={format.number(one.changed)} />
                {one.said > 0 && <Stat label={t('imports.said_count')} value={format.number(one.said)} />}
                <Stat label={t('imports.unchanged')} value={format.number(one.unchanged)} note={t('imports.unchanged_note')} />
              </>
            )}
            <Stat label={t('imports.refused')} value={format.number(one.refused)} note={one.rows > 0 ? format.percent(one.refused, one.rows) : undefined} />
          </SimpleGrid>
          {one.reasons.length > 0 && (
            <Panel
              title={t('imports.reasons')}
              hint={t('imports.reasons_hint')}
              actions={
                one.has_errors && (
                  <Button component="a" href={`/v1/imports/${id}/errors`} download size="xs" variant="default" leftSection={<IconDownload size={14} />}>
                    {t('imports.download')}
                  </Button>
                )
              }
            >
              <Table verticalSpacing={6}>
                <Table.Tbody>
                  {one.reasons.map((reason) => (
                    <Table.Tr key={reason.wording}>
                      <Table.Td><Text size="sm">{t(`imports.reason_${reason.code}`, { where: reason.where, wording: reason.wording })}</Text></Table.Td>
                      <Table.Td ta="right">{format.number(reason.rows)}</Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Panel>
          )}
          <Panel title={t('imports.map')} hint={t('imports.map_hint')}>
            <MapTold map={one.map as unknown as ImportMap} />
          </Panel>
        </Stack>
      )}
    </Page>
  );
}
