import { Group, Kbd, Modal, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';

const LINES: [string[], string][] = [
  [['Tab'], 'tab'], [['←', '→', '↑', '↓'], 'arrows'], [['Enter'], 'open'], [['A'], 'add'], [['C'], 'connect'], [['Alt', '← → ↑ ↓'], 'move'],
  [['Delete'], 'remove'], [['Shift', '← → ↑ ↓'], 'more'], [['Shift', 'Enter'], 'toggle'], [['Ctrl', 'A'], 'all'], [['Ctrl', 'Z'], 'undo'], [['Ctrl', 'Shift', 'Z'], 'redo'],
  [['Ctrl', 'C'], 'copy'], [['Ctrl', 'X'], 'cut'], [['Ctrl', 'V'], 'paste'], [['Ctrl', 'D'], 'duplicate'], [['G'], 'group'], [['N'], 'comment'], [['L'], 'arrange'],
  [['F'], 'fit'], [['+', '−'], 'zoom'], [['Home', 'End'], 'ends'], [['Esc'], 'close'], [['?'], 'help'],
];

/** Every key of the board. */
export function KeysHelp({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal opened onClose={onClose} title={t('journeys.keys_title')} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <Text size="sm" c="dimmed" mb="sm">{t('journeys.keys_hint')}</Text>
      <Stack gap={7}>
        {LINES.map(([keys, name]) => (
          <Group key={name} justify="space-between" wrap="nowrap">
            <Text size="sm">{t(`journeys.key.${name}`)}</Text>
            <Group gap={4} wrap="nowrap">{keys.map((key) => <Kbd key={key}>{key}</Kbd>)}</Group>
          </Group>
        ))}
      </Stack>
    </Modal>
  );
}
