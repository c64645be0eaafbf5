import { ActionIcon, Fieldset, Grid, Select, Stack, TextInput, Tooltip } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import type { Problem } from '@/api/problem';
import { IconRedo, IconUndo } from '@/design/icons';
import { Panel } from '@/design/Panel';
import { Examples } from './builder/Examples';
import { GroupEditor } from './builder/GroupEditor';
import type { History } from './builder/history';
import { isInTree, Refused } from './builder/wrong';
import styles from './builder/builder.module.css';
import { LiveCount } from './LiveCount';
import { Sentence } from './Sentence';
import { isEmpty } from './tree';
import type { GroupNode } from './types';
import { Uses } from './Uses';

type Announce = Schema<'SegmentItem'>['announce'];

export interface Draft {
  name: string;
  description: string;
  announce: Announce;
  tree: GroupNode | null;
}

interface DefinitionProps {
  history: History<Draft>;
  readOnly: boolean;
  /** What the server said when it was last to be published. */
  refused: Problem | null;
  /** The segment as it is stored; none while it is new. */
  segment?: Schema<'SegmentItem'>;
}

/** What the segment is called and who belongs, with a live count beside it. */
export function Definition({ history, readOnly, refused, segment }: DefinitionProps) {
  const { t } = useTranslation();
  const { value: draft, set: onChange, undo, redo } = history;
  const [uncounted, setUncounted] = useState<Problem | null>(null);
  const problem = uncounted ?? refused;
  return (
    <Grid gap="md">
      <Grid.Col span={{ base: 12, lg: 8, xl: 9 }}>
        <Stack>
          <Panel>
            <Grid>
              <Grid.Col span={{ base: 12, sm: 7 }}>
                <TextInput label={t('common.name')} placeholder={t('segments.name_placeholder')} required readOnly={readOnly} value={draft.name} onChange={(event) => onChange({ ...draft, name: event.currentTarget.value })} />
              </Grid.Col>
              <Grid.Col span={{ base: 12, sm: 5 }}>
                <Select
                  label={t('segments.announce')}
                  data={(['changes', 'everyone', 'never'] as const).map((one) => ({ value: one, label: t(`segments.announce_${one}`) }))}
                  value={draft.announce}
                  allowDeselect={false}
                  readOnly={readOnly}
                  onChange={(announce) => onChange({ ...draft, announce: announce as Announce })}
                />
              </Grid.Col>
            </Grid>
            <TextInput mt="sm" label={t('common.description')} readOnly={readOnly} value={draft.description} onChange={(event) => onChange({ ...draft, description: event.currentTarget.value })} />
          </Panel>
          {draft.tree && (
            <Panel
              title={t('segments.who')}
              actions={
                !readOnly && (
                  <>
                    <Tooltip label={t('build.undo')}>
                      <ActionIcon variant="subtle" color="gray" className={styles.step} aria-label={t('build.undo')} disabled={!undo} onClick={undo}><IconUndo size={17} /></ActionIcon>
                    </Tooltip>
                    <Tooltip label={t('build.redo')}>
                      <ActionIcon variant="subtle" color="gray" className={styles.step} aria-label={t('build.redo')} disabled={!redo} onClick={redo}><IconRedo size={17} /></ActionIcon>
                    </Tooltip>
                  </>
                )
              }
            >
              <Fieldset variant="unstyled" mx={0} disabled={readOnly} data-builder>
                <Refused.Provider value={isInTree(problem) ? problem : null}>
                  <GroupEditor node={draft.tree} depth={1} path="tree" onChange={(tree) => onChange({ ...draft, tree })} />
                </Refused.Provider>
              </Fieldset>
              {isEmpty(draft.tree) && !readOnly && (
                <Examples onPick={(of, name) => onChange({ ...draft, name: draft.name || name, tree: { kind: 'and', of } })} />
              )}
              {!isEmpty(draft.tree) && (
                <div className={styles.said} role="note" aria-label={t('build.in_words')}><Sentence node={draft.tree} /></div>
              )}
            </Panel>
          )}
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 4, xl: 3 }}>
        <Stack>
          {draft.tree && <LiveCount tree={draft.tree} onRefused={setUncounted} />}
          {segment && <Uses segment={segment} />}
        </Stack>
      </Grid.Col>
    </Grid>
  );
}
