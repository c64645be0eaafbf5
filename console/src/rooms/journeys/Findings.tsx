import { Popover, Button, ScrollArea, Stack, Text, UnstyledButton } from '@mantine/core';
import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { IconAlert, IconCheck } from '@/design/icons';
import type { Finding } from './canvas/state';
import type { Definition } from './model';
import { useStepName } from './told';
import styles from './journeys.module.css';

/** What a finding says, in the reader's language; a plug-in's own is said by its `rule`, as it stands. */
export function useFindingWords(): (finding: Finding) => string {
  const { t, i18n } = useTranslation();
  return useCallback(
    (finding) => {
      if (i18n.exists(`journey_finding.${finding.code}`)) return t(`journey_finding.${finding.code}`, finding.params ?? {});
      return typeof finding.params?.rule === 'string' ? finding.params.rule : finding.code.replaceAll('_', ' ');
    },
    [t, i18n],
  );
}

interface FindingsProps {
  definition: Definition;
  findings: readonly Finding[];
  checking: boolean;
  onGo: (step: string | undefined) => void;
}

/** Everything found, and the way to each. */
export function Findings({ definition, findings, checking, onGo }: FindingsProps) {
  const { t } = useTranslation();
  const stepName = useStepName(definition);
  const errors = findings.filter((one) => one.level === 'error').length;
  const told = findings.length === 0 ? t('journeys.sound') : errors > 0 ? t('journeys.errors', { count: errors }) : t('journeys.warnings', { count: findings.length });
  return (
    <Popover position="top-start" shadow="md" width={380} trapFocus returnFocus>
      <Popover.Target>
        <Button size="compact-xs" variant="subtle" color="gray" data-level={errors > 0 ? 'error' : findings.length > 0 ? 'warning' : 'sound'} className={styles.verdict} disabled={findings.length === 0} loading={checking && findings.length === 0} leftSection={findings.length > 0 ? <IconAlert size={13} /> : <IconCheck size={13} />} data-testid="findings">
          {told}
        </Button>
      </Popover.Target>
      <Popover.Dropdown p={6}>
        <ScrollArea.Autosize mah={320}>
          <Stack gap={2} role="list" aria-label={t('journeys.findings')}>
            {findings.map((one) => (
              <div role="listitem" key={`${one.code} ${one.place}`}>
                <UnstyledButton className={styles.finding} w="100%" data-level={one.level} onClick={() => onGo(one.step || undefined)}>
                  <Text size="xs" fw={600}>{one.step ? stepName(one.step) : t('journeys.entrance')}</Text>
                  <Text size="sm">{one.message}</Text>
                </UnstyledButton>
              </div>
            ))}
          </Stack>
        </ScrollArea.Autosize>
      </Popover.Dropdown>
    </Popover>
  );
}
