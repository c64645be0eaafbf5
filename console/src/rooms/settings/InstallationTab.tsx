import { Code, Group, SimpleGrid, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { DataTable } from '@/design/DataTable';
import { Mark } from '@/design/Mark';
import { useFormat } from '@/design/format';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Stat } from '@/design/Stat';

/** Of these only whether there is one is told. */
const SECRET = new Set(['database_url', 'secret', 'lake_s3_secret']);

function shown(value: unknown, t: (key: string) => string): string {
  if (Array.isArray(value)) return value.join(', ');
  if (typeof value === 'boolean') return t(value ? 'common.yes' : 'common.no');
  return value === null || value === undefined ? '' : String(value);
}

/** The rooms that are on, and the settings in force; both are changed where the server is run. */
export default function InstallationTab() {
  const { t } = useTranslation();
  const format = useFormat();
  const settings = useQuery({ queryKey: ['settings'], queryFn: () => take(api.GET('/v1/settings')) });
  if (settings.error) return <ProblemAlert error={settings.error} onRetry={() => void settings.refetch()} />;
  const view = settings.data;
  return (
    <Stack>
      <SimpleGrid cols={{ base: 1, xs: 2, lg: 4 }}>
        <Stat label={t('settings.version')} value={view?.version ?? ''} />
        <Stat label={t('settings.database')} value={view ? t(`settings.database_${view.database}`, { defaultValue: view.database }) : ''} />
        <Stat label={t('settings.business_time')} value={<Text component="span" fz="lg" fw={600}>{view ? format.dateTime(view.now) : ''}</Text>} />
        <Stat label={t('settings.address')} value={<Text component="span" fz="md" fw={600} style={{ overflowWrap: 'anywhere' }}>{view?.base_url ?? ''}</Text>} />
      </SimpleGrid>
      <Panel title={t('settings.rooms')} hint={t('settings.rooms_hint')} flush>
        <DataTable
          label={t('settings.rooms')}
          loading={settings.isLoading}
          rows={view?.rooms}
          rowKey={(room) => room.name}
          columns={[
            { key: 'name', head: t('settings.room'), cell: (room) => <Text size="sm" fw={550}>{t(`settings.room_name.${room.name}`, { defaultValue: room.name })}</Text> },
            { key: 'floor', head: t('settings.floor'), cell: (room) => t(`floor.${room.floor}`, { defaultValue: room.floor }) },
            {
              key: 'on',
              head: t('common.state'),
              cell: (room) => (
                <Group gap={6}>
                  <Mark colour={room.on ? 'teal' : 'gray'}>{room.on ? t('settings.on') : t('settings.off')}</Mark>
                  {room.always && <Text size="xs" c="dimmed">{t('settings.always')}</Text>}
                </Group>
              ),
            },
            { key: 'requires', head: t('settings.requires'), cell: (room) => room.requires.map((name) => t(`settings.room_name.${name}`, { defaultValue: name })).join(', ') },
          ]}
        />
      </Panel>
      <Panel title={t('settings.in_force')} hint={t('settings.in_force_hint')} flush>
        <DataTable
          label={t('settings.in_force')}
          loading={settings.isLoading}
          rows={view?.settings}
          rowKey={(setting) => setting.name}
          columns={[
            { key: 'name', head: t('common.name'), cell: (setting) => <Code>{setting.name}</Code> },
            { key: 'value', head: t('settings.value'), cell: (setting) => <Text size="sm" style={{ overflowWrap: 'anywhere' }}>{SECRET.has(setting.name) ? t(setting.value ? 'settings.is_set' : 'settings.not_set') : shown(setting.value, t)}</Text> },
            { key: 'meaning', head: t('settings.meaning'), cell: (setting) => <Text size="sm" c="dimmed" lang="en">{setting.meaning}</Text> },
          ]}
        />
      </Panel>
    </Stack>
  );
}
