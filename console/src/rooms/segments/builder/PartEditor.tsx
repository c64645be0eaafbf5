import { ActionIcon, Group, Text, Tooltip } from '@mantine/core';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { IconAlert, IconClose, IconCopy, IconNot } from '@/design/icons';
import { isComplete, isGroup, peel, wrap } from '../tree';
import type { Node } from '../types';
import { EventEditor } from './EventEditor';
import { GroupEditor } from './GroupEditor';
import { ConsentEditor, EngagementEditor, ReachableEditor } from './MessageEditors';
import { AgeEditor, AnniversaryEditor, LengthEditor, NearEditor, ShareEditor } from './PeopleEditors';
import { LookalikeEditor, ProfilesEditor, SegmentEditor } from './SetEditors';
import { EventTimeEditor, SequenceEditor } from './TimeEditors';
import { TraitEditor } from './TraitEditor';
import { Place, useRefusal } from './wrong';
import styles from './builder.module.css';

interface InsideProps {
  node: Node;
  depth: number;
  path: string;
  onChange: (node: Node) => void;
}

function Inside({ node, depth, path, onChange }: InsideProps) {
  switch (node.kind) {
    case 'and':
    case 'or':
      return <GroupEditor node={node} depth={depth + 1} path={path} onChange={onChange} />;
    case 'not':
      return <PartEditor node={node} depth={depth + 1} path={path} onChange={(inner) => inner && onChange(inner)} />;
    case 'trait':
      return <TraitEditor node={node} onChange={onChange} />;
    case 'age':
      return <AgeEditor node={node} onChange={onChange} />;
    case 'anniversary':
      return <AnniversaryEditor node={node} onChange={onChange} />;
    case 'length':
      return <LengthEditor node={node} onChange={onChange} />;
    case 'near':
      return <NearEditor node={node} onChange={onChange} />;
    case 'share':
      return <ShareEditor node={node} onChange={onChange} />;
    case 'event':
      return <EventEditor node={node} onChange={onChange} />;
    case 'event_time':
      return <EventTimeEditor node={node} onChange={onChange} />;
    case 'sequence':
      return <SequenceEditor node={node} onChange={onChange} />;
    case 'engagement':
      return <EngagementEditor node={node} onChange={onChange} />;
    case 'consent':
      return <ConsentEditor node={node} onChange={onChange} />;
    case 'reachable':
      return <ReachableEditor node={node} onChange={onChange} />;
    case 'segment':
      return <SegmentEditor node={node} onChange={onChange} />;
    case 'profiles':
      return <ProfilesEditor node={node} onChange={onChange} />;
    case 'lookalike':
      return <LookalikeEditor node={node} onChange={onChange} />;
  }
}

interface PartEditorProps {
  node: Node;
  depth: number;
  path: string;
  /** It was just added: what is to be filled in first takes the focus. */
  fresh?: boolean;
  onChange: (node: Node | null) => void;
  onRepeat?: () => void;
}

/** One part of a group: the condition itself, whether it excludes, what is wrong with it, and the way to remove it. */
export function PartEditor({ node, depth, path, fresh, onChange, onRepeat }: PartEditorProps) {
  const { t } = useTranslation();
  const { node: inner, excluded } = peel(node);
  const place = excluded ? `${path}.of` : path;
  const refusal = useRefusal(place);
  const row = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!fresh) return;
    const inputs = [...(row.current?.querySelectorAll<HTMLInputElement>('[data-inside] input:not([type=hidden])') ?? [])];
    (inputs.find((one) => one.value === '') ?? row.current)?.focus({ preventScroll: true });
  }, []); // eslint-disable-line react-hooks/exhaustive-deps
  return (
    <div
      ref={row}
      tabIndex={-1}
      className={styles.row}
      data-excluded={excluded || undefined}
      data-group={isGroup(inner) || undefined}
      data-unfinished={(!isGroup(inner) && !isComplete(inner)) || undefined}
      data-refused={refusal !== null || undefined}
      data-path={place}
    >
      <div className={styles.inside} data-inside>
        {excluded && <Text className={styles.not} size="xs">{t('segments.excluded')}</Text>}
        <Place.Provider value={place}>
          <Inside node={inner} depth={depth} path={place} onChange={(changed) => onChange(wrap(changed, excluded))} />
        </Place.Provider>
        {refusal && (
          <Text size="sm" mt={6} c="var(--mantine-color-error)" role="alert" className={styles.refusal}>
            <IconAlert size={15} /> {t('build.refused', { why: refusal })}
          </Text>
        )}
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
        {onRepeat && (
          <Tooltip label={t('build.repeat')}>
            <ActionIcon variant="subtle" color="gray" aria-label={t('build.repeat')} onClick={onRepeat}>
              <IconCopy size={16} />
            </ActionIcon>
          </Tooltip>
        )}
        <Tooltip label={t('segments.remove_condition')}>
          <ActionIcon variant="subtle" color="gray" aria-label={t('segments.remove_condition')} onClick={() => onChange(null)}>
            <IconClose size={16} />
          </ActionIcon>
        </Tooltip>
      </Group>
    </div>
  );
}
