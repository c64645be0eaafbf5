import { ActionIcon, Alert, Code, CopyButton, Group, Text, Tooltip } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { IconCheck, IconCopy, IconKey } from './icons';

/** A secret that is shown once: it can be copied now and never read again. */
export function Secret({ value, title }: { value: string; title: string }) {
  const { t } = useTranslation();
  return (
    <Alert color="yellow" icon={<IconKey size={18} />} title={title}>
      <Text size="sm" mb="xs">{t('common.shown_once')}</Text>
      <Group gap="xs" wrap="nowrap">
        <Code fz="sm" style={{ wordBreak: 'break-all' }} data-testid="secret">{value}</Code>
        <CopyButton value={value}>
          {({ copied, copy }) => (
            <Tooltip label={copied ? t('common.copied') : t('common.copy')}>
              <ActionIcon variant="default" onClick={copy} aria-label={copied ? t('common.copied') : t('common.copy')}>
                {copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
              </ActionIcon>
            </Tooltip>
          )}
        </CopyButton>
      </Group>
    </Alert>
  );
}
