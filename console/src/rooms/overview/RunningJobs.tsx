import { Box, Group, Progress, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Moment } from '@/design/Moment';
import { Panel } from '@/design/Panel';
import { Status } from '@/design/Status';
import { useJobs } from './history';
import { useJobSays } from './says';

/** Long work: what runs now with how far it is, and what ended lately. */
export function RunningJobs() {
  const { t } = useTranslation();
  const jobs = useJobs();
  const told = useJobSays();
  const name = (kind: string) => t(`job.${kind.replaceAll('.', '_')}`, { defaultValue: kind.replaceAll(/[._]/g, ' ') });
  return (
    <Panel title={t('overview.jobs')} hint={t('overview.jobs_hint')} h="100%">
      {jobs.length === 0 && <Text size="sm" c="dimmed">{t('overview.no_jobs')}</Text>}
      <Stack gap="md">
        {jobs.slice(0, 6).map((job) => (
          <Box key={job.id}>
            <Group justify="space-between" wrap="nowrap" mb={4}>
              <Text size="sm" fw={550} truncate>{name(job.kind)}</Text>
              <Status state={job.state} size="sm" />
            </Group>
            {job.state === 'running' && <Progress value={job.total ? (100 * job.done) / job.total : 100} animated size="sm" aria-label={name(job.kind)} />}
            <Text size="xs" c="dimmed" component="div">
              {job.state === 'running' ? told(job.message) : <Moment at={job.finished_at ?? job.created_at} />}
            </Text>
          </Box>
        ))}
      </Stack>
    </Panel>
  );
}
