import { Box, Group, Paper, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { LanguageMenu } from '@/shell/LanguageMenu';
import { SchemeToggle } from '@/shell/SchemeToggle';
import styles from './Gate.module.css';

const LOOP = ['listen', 'understand', 'speak', 'learn'] as const;

/** The frame of the pages before the door: a form, and what the house is for. */
export function Gate({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  return (
    <Box className={styles.gate}>
      <Box className={styles.side} aria-hidden visibleFrom="md">
        <Group gap="sm">
          <img src="/mark.svg" alt="" width={34} height={34} />
          <Text fw={650} size="xl">{t('shell.product')}</Text>
        </Group>
        <Stack gap={18} className={styles.loop}>
          {LOOP.map((step, place) => (
            <Group key={step} gap="md" wrap="nowrap" className={styles.step}>
              <span>{place + 1}</span>
              <Text>{t(`access.loop_${step}`)}</Text>
            </Group>
          ))}
        </Stack>
        <Text size="sm" opacity={0.75}>{t('access.sign_in_lead')}</Text>
      </Box>
      <Box component="main" className={styles.form}>
        <Group justify="flex-end" gap={4} className={styles.tools}>
          <LanguageMenu />
          <SchemeToggle />
        </Group>
        <Paper className={styles.card} bg="transparent">{children}</Paper>
      </Box>
    </Box>
  );
}
