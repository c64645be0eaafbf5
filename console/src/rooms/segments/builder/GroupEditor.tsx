import { Group, SegmentedControl, Stack, Text } from '@mantine/core';
import { useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { GroupNode, Node } from '../types';
import { AddCondition } from './AddCondition';
import { PartEditor } from './PartEditor';
import styles from './builder.module.css';

interface GroupEditorProps {
  node: GroupNode;
  onChange: (node: GroupNode) => void;
  depth: number;
  /** Where the group is in the tree, as the server names it. */
  path: string;
}

const DEEPEST = 6;

/** Conditions joined by "all of" or "any of", with the means to add more. */
export function GroupEditor({ node, onChange, depth, path }: GroupEditorProps) {
  const { t } = useTranslation();
  const added = useRef(-1);
  const whole = useRef<HTMLDivElement>(null);
  const add = (part: Node) => {
    added.current = node.of.length;
    onChange({ ...node, of: [...node.of, part] });
  };
  const replace = (place: number, part: Node | null) => {
    onChange({ ...node, of: part ? node.of.with(place, part) : node.of.toSpliced(place, 1) });
    if (!part) whole.current?.querySelector<HTMLElement>(':scope > [data-adding] [data-add]')?.focus();
  };
  const repeat = (place: number, part: Node) => {
    added.current = place + 1;
    onChange({ ...node, of: node.of.toSpliced(place + 1, 0, part) });
  };
  return (
    <div ref={whole} className={styles.group} data-depth={Math.min(depth, 3)} role="group" aria-label={t(`segments.join_${node.kind}`)}>
      <Group gap="xs" mb={node.of.length > 0 ? 'sm' : 0} hidden={depth === 1 && node.of.length === 0}>
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
      <Stack gap={6}>
        {node.of.map((part, place) => (
          <div key={place} className={styles.part}>
            {place > 0 && <span className={styles.joint} aria-hidden>{t(`segments.joint_${node.kind}`)}</span>}
            <PartEditor
              node={part}
              depth={depth}
              path={`${path}.of[${place}]`}
              fresh={added.current === place}
              onChange={(changed) => replace(place, changed)}
              onRepeat={() => repeat(place, part)}
            />
          </div>
        ))}
      </Stack>
      <Group mt="sm" data-adding>
        <AddCondition joined={node.kind} nests={depth < DEEPEST} onAdd={add} prominent={depth === 1 && node.of.length === 0} />
      </Group>
    </div>
  );
}
