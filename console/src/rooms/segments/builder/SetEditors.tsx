import { Group, Pill, PillGroup, Stack, Text } from '@mantine/core';
import { useQueries } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useFormat } from '@/design/format';
import { CustomerPicker } from '../../profiles/CustomerPicker';
import { SegmentPicker } from '../SegmentPicker';
import type { Of } from '../types';
import { NumberPick, Said } from './inputs';
import { useWrong } from './wrong';

interface EditorProps<Kind extends 'segment' | 'profiles' | 'lookalike'> {
  node: Of<Kind>;
  onChange: (node: Of<Kind>) => void;
}

const SHOWN = 20;

/** "Belongs to Loyal customers": another rule, or a list by hand. */
export function SegmentEditor({ node, onChange }: EditorProps<'segment'>) {
  const { t } = useTranslation();
  return (
    <Group gap="xs">
      <Said>{t('segments.in_segment')}</Said>
      <SegmentPicker label={t('segments.segment')} hideLabel value={node.id || null} onChange={(id) => onChange({ ...node, id: id ?? 0 })} />
    </Group>
  );
}

/** "Among the 5 % of all customers most like those in Loyal customers". */
export function LookalikeEditor({ node, onChange }: EditorProps<'lookalike'>) {
  const { t } = useTranslation();
  const wrong = useWrong();
  return (
    <Group gap="xs">
      <Said>{t('build.among')}</Said>
      <NumberPick label={t('build.percent')} w={84} max={100} decimals={2} suffix=" %" error={wrong('percent')} value={node.percent} onChange={(percent) => onChange({ ...node, percent: percent ?? 0 })} />
      <Said>{t('build.most_like')}</Said>
      <SegmentPicker label={t('segments.segment')} hideLabel value={node.id || null} onChange={(id) => onChange({ ...node, id: id ?? 0 })} />
    </Group>
  );
}

/** People chosen one by one. */
export function ProfilesEditor({ node, onChange }: EditorProps<'profiles'>) {
  const { t } = useTranslation();
  const format = useFormat();
  const found = useQueries({
    queries: node.ids.slice(0, SHOWN).map((id) => ({
      queryKey: ['customer-name', id],
      queryFn: () => take(api.GET('/v1/profiles/{profile_id}', { params: { path: { profile_id: id } } })),
      staleTime: 300_000,
    })),
  });
  const nameOf = (id: number, place: number) => {
    const one = found[place]?.data;
    return one?.name || t('profiles.unnamed', { id });
  };
  return (
    <Stack gap={8}>
      <Group gap="xs">
        <Said>{t('build.one_of')}</Said>
        <CustomerPicker label={t('build.add_person')} hideLabel w={240} value={null} onChange={(id) => id !== null && !node.ids.includes(id) && onChange({ ...node, ids: [...node.ids, id] })} />
      </Group>
      <PillGroup>
        {node.ids.slice(0, SHOWN).map((id, place) => (
          <Pill key={id} withRemoveButton removeButtonProps={{ 'aria-label': t('build.remove_person', { name: nameOf(id, place) }), tabIndex: 0, 'aria-hidden': false }} onRemove={() => onChange({ ...node, ids: node.ids.filter((one) => one !== id) })}>
            {nameOf(id, place)}
          </Pill>
        ))}
        {node.ids.length > SHOWN && <Text size="sm" c="dimmed">{t('build.more_people', { count: node.ids.length - SHOWN, shown: format.number(node.ids.length - SHOWN) })}</Text>}
      </PillGroup>
    </Stack>
  );
}
