import { ActionIcon, Group, Text, Tooltip } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { IconClose, IconNot } from '@/design/icons';
import { useFormat } from '@/design/format';
import { EventEditor } from './EventEditor';
import { GroupEditor } from './GroupEditor';
import { SegmentPicker } from './SegmentPicker';
import { Sentence } from './Sentence';
import { TraitEditor } from './TraitEditor';
import { isGroup, peel, wrap } from './tree';
import type { Node } from './types';
import styles from './builder.module.css';

interface PartEditorProps {
  node: Node;
  depth: number;
  onChange: (node: Node | null) => void;
}

function Inside({ node, depth, onChange }: { node: Node; depth: number; onChange: (node: Node) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (isGroup(node)) return <GroupEditor node={node} depth={depth + 1} onChange={onChange} />;
  switch (node.kind) {
    case 'trait':
      return <TraitEditor node={node} onChange={onChange} />;
    case 'event':
      return <EventEditor node={node} onChange={onChange} />;
    case 'segment':
      return (
        <Group gap="xs">
          <Text size="sm" className={styles.kind}>{t('segments.in_segment')}</Text>
          <SegmentPicker
            label={t('segments.segment')}
            hideLabel
            value={node.id || null}
            onChange={(id) => onChange({ kind: 'segment', id: id ?? 0 })}
          />
        </Group>
      );
    case 'profiles':
      return <Text size="sm">{t('segments.listed', { count: node.ids.length, shown: format.number(node.ids.length) })}</Text>;
    default:
      return <Text size="sm"><Sentence node={node} /></Text>;
    case 'not':
      return <PartEditor node={node} depth={depth + 1} onChange={(inner) => inner && onChange(inner)} />;
  }
}

/** One part of a group: the condition itself, whether it excludes, and the way to remove it. */
export function PartEditor({ node, depth, onChange }: PartEditorProps) {
  const { t } = useTranslation();
  const { node: inner, excluded } = peel(node);
  return (
    <div className={styles.row} data-excluded={excluded || undefined} data-group={isGroup(inner) || undefined}>
      <div className={styles.inside}>
        {excluded && <Text className={styles.not} size="xs">{t('segments.excluded')}</Text>}
        <Inside node={inner} depth={depth} onChange={(changed) => onChange(wrap(changed, excluded))} />
      </div>
      <Group gap={2} wrap="nowrap" className={styles.tools}>
        <Tooltip label={excluded ? t('segments.include') : t('segments.exclude')}>
          <ActionIcon
            variant={excluded ? 'light' : 'subtle'}
            color={excluded ? 'orange' : 'gray'}
            aria-label={t('segments.exclude')}
            aria-pressed={excluded}
            onClick={() => onChange(wrap(inner, !excluded))}
          >
            <IconNot size={16} />
          </ActionIcon>
        </Tooltip>
        <Tooltip label={t('segments.remove_condition')}>
          <ActionIcon variant="subtle" color="gray" aria-label={t('segments.remove_condition')} onClick={() => onChange(null)}>
            <IconClose size={16} />
          </ActionIcon>
        </Tooltip>
      </Group>
    </div>
  );
}
