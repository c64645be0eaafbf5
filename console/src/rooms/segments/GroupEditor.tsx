import { Button, Group, Menu, SegmentedControl, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { IconBolt, IconGroup, IconPlus, IconSegments, IconTag } from '@/design/icons';
import { PartEditor } from './PartEditor';
import { NEW_EVENT, NEW_TRAIT } from './tree';
import type { GroupNode, Node } from './types';
import styles from './builder.module.css';

interface GroupEditorProps {
  node: GroupNode;
  onChange: (node: GroupNode) => void;
  depth: number;
}

/** Conditions joined by "all of" or "any of", with the means to add more. */
export function GroupEditor({ node, onChange, depth }: GroupEditorProps) {
  const { t } = useTranslation();
  const add = (part: Node) => onChange({ ...node, of: [...node.of, part] });
  const replace = (place: number, part: Node | null) =>
    onChange({ ...node, of: part ? node.of.with(place, part) : node.of.toSpliced(place, 1) });
  return (
    <div className={styles.group} data-depth={Math.min(depth, 3)} role="group" aria-label={t(`segments.join_${node.kind}`)}>
      <Group gap="xs" mb={node.of.length > 0 ? 'sm' : 0}>
        <SegmentedControl
          size="xs"
          value={node.kind}
          onChange={(kind) => onChange({ ...node, kind: kind as GroupNode['kind'] })}
          data={[
            { value: 'and', label: t('segments.join_and') },
            { value: 'or', label: t('segments.join_or') },
          ]}
          aria-label={t('segments.join')}
        />
        <Text size="sm" c="dimmed">{t(`segments.join_${node.kind}_hint`)}</Text>
      </Group>
      <Stack gap="xs">
        {node.of.map((part, place) => (
          <div key={place} className={styles.part}>
            {place > 0 && <span className={styles.joint} aria-hidden>{t(`segments.joint_${node.kind}`)}</span>}
            <PartEditor node={part} depth={depth} onChange={(changed) => replace(place, changed)} />
          </div>
        ))}
      </Stack>
      <Menu position="bottom-start">
        <Menu.Target>
          <Button variant="subtle" size="xs" mt="sm" leftSection={<IconPlus size={14} />}>{t('segments.add')}</Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconTag size={15} />} onClick={() => add(NEW_TRAIT)}>{t('segments.add_trait')}</Menu.Item>
          <Menu.Item leftSection={<IconBolt size={15} />} onClick={() => add(NEW_EVENT)}>{t('segments.add_event')}</Menu.Item>
          <Menu.Item leftSection={<IconSegments size={15} />} onClick={() => add({ kind: 'segment', id: 0 })}>
            {t('segments.add_segment')}
          </Menu.Item>
          {depth < 6 && (
            <Menu.Item
              leftSection={<IconGroup size={15} />}
              onClick={() => add({ kind: node.kind === 'and' ? 'or' : 'and', of: [NEW_TRAIT] })}
            >
              {t('segments.add_group')}
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
    </div>
  );
}
