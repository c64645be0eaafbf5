import { Alert, Group, Stack, Text, ThemeIcon } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import { IconCheck, IconClose } from '@/design/icons';

/** A step in words: its code, and after a colon what it was about. One of a package's own is shown as it is. */
function Step({ step }: { step: string }) {
  const { t, i18n } = useTranslation();
  const colon = step.indexOf(': ');
  const code = (colon < 0 ? step : step.slice(0, colon)).replaceAll('-', '_');
  const key = colon < 0 ? `channels.step_${code}` : `channels.step_about_${code}`;
  const known = i18n.exists(key);
  return <Text size="sm" lang={known ? undefined : 'en'} style={{ overflowWrap: 'anywhere' }}>{known ? t(key, { about: step.slice(colon + 2) }) : step}</Text>;
}

/** What a connection test did, step by step, and where it stopped. */
export function Trial({ name, trial, onClose }: { name: string; trial: Schema<'Trial'>; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Alert
      color={trial.ok ? 'teal' : 'red'}
      title={t(trial.ok ? 'channels.test_ok' : 'channels.test_failed', { name })}
      withCloseButton
      closeButtonLabel={t('common.close')}
      onClose={onClose}
      role="status"
    >
      <Stack gap={6} component="ol" m={0} p={0} style={{ listStyle: 'none' }}>
        {trial.steps.map((step, place) => {
          const fell = !trial.ok && place === trial.steps.length - 1;
          return (
            <Group key={step} component="li" gap="xs" wrap="nowrap">
              <ThemeIcon size={18} radius="xl" variant="light" color={fell ? 'red' : 'teal'} role="img" aria-label={t(fell ? 'channels.step_failed' : 'channels.step_ok')}>
                {fell ? <IconClose size={11} /> : <IconCheck size={11} />}
              </ThemeIcon>
              <Step step={step} />
            </Group>
          );
        })}
      </Stack>
      {trial.detail && <Text size="sm" mt="xs" c="dimmed" lang="en" style={{ overflowWrap: 'anywhere' }}>{trial.detail}</Text>}
    </Alert>
  );
}
