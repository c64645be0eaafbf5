import { Grid, Select, Stack, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Schema } from '@/api/client';
import { Panel } from '@/design/Panel';
import { GroupEditor } from './GroupEditor';
import { LiveCount } from './LiveCount';
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
  draft: Draft;
  onChange: (draft: Draft) => void;
  readOnly: boolean;
  /** The segment as it is stored; none while it is new. */
  segment?: Schema<'SegmentItem'>;
}

/** What the segment is called and who belongs, with a live count beside it. */
export function Definition({ draft, onChange, readOnly, segment }: DefinitionProps) {
  const { t } = useTranslation();
  return (
    <Grid gap="md">
      <Grid.Col span={{ base: 12, lg: 8 }}>
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
            <Panel title={t('segments.who')}>
              <GroupEditor node={draft.tree} depth={1} onChange={(tree) => onChange({ ...draft, tree })} />
            </Panel>
          )}
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 4 }}>
        <Stack>
          {draft.tree && <LiveCount tree={draft.tree} />}
          {segment && <Uses segment={segment} />}
        </Stack>
      </Grid.Col>
    </Grid>
  );
}
