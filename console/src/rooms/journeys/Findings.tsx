import { Popover, Button, ScrollArea, Stack, Text, UnstyledButton } from '@mantine/core';
import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { IconAlert, IconCheck } from '@/design/icons';
import type { Finding } from './canvas/state';
import type { Definition } from './model';
import { stepOf } from './model';
import { useExitName, useStepName } from './told';
import styles from './journeys.module.css';

/** What is said at a place such as `steps[1].settings.match.event`. */
function saidAt(definition: Definition, place: string): unknown {
  const parts = place.match(/[^.[\]]+/g) ?? [];
  return parts.reduce<unknown>((at, part) => (at !== null && typeof at === 'object' ? (at as Record<string, unknown>)[part] : undefined), definition);
}

/** What a finding says, in the reader's language; a plug-in's own is said by its `rule`, as it stands. */
export function useFindingWords(definition: Definition): (finding: Finding) => string {
  const { t, i18n } = useTranslation();
  const exitName = useExitName();
  return useCallback(
    (finding) => {
      const { code, params = {}, place } = finding;
      if (!i18n.exists(`journey_finding.${code}`)) return typeof params.rule === 'string' ? params.rule : code.replaceAll('_', ' ');
      const last = place.split('.').findLast((part) => /^[a-z_]+$/.test(part)) ?? '';
      const field = t(`steps.setting.${last}`, { defaultValue: last.replaceAll('_', ' ') });
      if (code === 'settings_invalid') return saidAt(definition, place) === '' ? t('journeys.setting_empty', { field }) : t('journeys.setting_wrong', { field, rule: params.rule });
      const step = stepOf(definition, finding.step ?? '');
      const exits = typeof params.exits === 'string' ? { exits: params.exits.split(', ').map((one) => exitName(one, step)).join(', ') } : {};
      const exit = typeof params.exit === 'string' ? { exit: exitName(params.exit, step) } : {};
      return t(`journey_finding.${code}`, { ...params, ...exits, ...exit });
    },
    [t, i18n, exitName, definition],
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
