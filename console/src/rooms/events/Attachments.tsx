import { Anchor, Group, List, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/design/format';
import { IconFile } from '@/design/icons';

interface Attached {
  id: number;
  name: string;
  size: number;
}

const isOne = (one: unknown): one is Attached => typeof one === 'object' && one !== null && 'id' in one && 'name' in one && typeof one.id === 'number';

/** Files that came with a customer's answer, to be saved. They are a stranger's: the browser never opens one as a page of ours. */
export function Attachments({ value }: { value: unknown }) {
  const { t } = useTranslation();
  const format = useFormat();
  const files = Array.isArray(value) ? value.filter(isOne) : [];
  if (files.length === 0) return null;
  return (
    <List listStyleType="none" size="sm" mt={4} aria-label={t('events.attachments')}>
      {files.map((file) => (
        <List.Item key={file.id}>
          <Group gap={6} wrap="nowrap">
            <IconFile size={15} stroke={1.6} aria-hidden />
            <Anchor size="sm" href={`/v1/replies/files/${file.id}`} download={file.name} style={{ overflowWrap: 'anywhere' }}>{file.name}</Anchor>
            <Text size="xs" c="dimmed" style={{ whiteSpace: 'nowrap' }}>{format.bytes(file.size)}</Text>
          </Group>
        </List.Item>
      ))}
    </List>
  );
}
