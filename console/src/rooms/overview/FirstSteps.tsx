import { Anchor, Group, Stack, Text, ThemeIcon } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useSession } from '@/api/session';
import { Panel } from '@/design/Panel';

const STEPS = [
  { key: 'channel', to: '/channels', permission: 'channels:write' },
  { key: 'import', to: '/imports/new', permission: 'imports:write' },
  { key: 'segment', to: '/segments/new', permission: 'segments:write' },
  { key: 'template', to: '/templates/new', permission: 'content:write' },
  { key: 'campaign', to: '/campaigns/new', permission: 'campaigns:write' },
] as const;

/** For an empty installation: the way from nothing to the first campaign. */
export function FirstSteps() {
  const { t } = useTranslation();
  const permissions = useSession().data?.permissions ?? [];
  const steps = STEPS.filter((step) => permissions.includes(step.permission));
  if (steps.length === 0) return null;
  return (
    <Panel title={t('overview.first_steps')} hint={t('overview.first_steps_hint')}>
      <Stack component="ol" gap="sm" m={0} p={0} style={{ listStyle: 'none' }}>
        {steps.map((step, place) => (
          <Group component="li" key={step.key} wrap="nowrap" align="flex-start">
            <ThemeIcon variant="light" radius="xl" size={28} aria-hidden>{place + 1}</ThemeIcon>
            <div>
              <Anchor component={Link} to={step.to} size="sm" fw={570}>{t(`overview.step_${step.key}`)}</Anchor>
              <Text size="sm" c="dimmed">{t(`overview.step_${step.key}_hint`)}</Text>
            </div>
          </Group>
        ))}
      </Stack>
    </Panel>
  );
}
