import { Alert, Drawer, Group, Skeleton, Stack, Text, ThemeIcon } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { useFormat } from '@/design/format';
import { IconCheck, IconClose } from '@/design/icons';
import { ProblemAlert } from '@/design/ProblemAlert';
import { sentence } from './Sentence';
import type { Node } from './types';

type Verdict = Schema<'Verdict'>;

const DAY = /^\d{4}-\d\d-\d\d$/;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d/;

/** One condition's verdict with what was found, and below it the verdicts on its parts. */
function VerdictTree({ verdict, depth, names, hidden }: { verdict: Verdict; depth: number; names: Record<string, string>; hidden: string[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const group = verdict.kind === 'and' || verdict.kind === 'or';
  const veiled = Object.values(verdict.node).some((said) => typeof said === 'string' && hidden.includes(said));
  const told = (value: unknown): string => {
    if (Array.isArray(value)) return format.list(value.map(told));
    if (typeof value === 'boolean') return t(value ? 'common.yes' : 'common.no');
    if (typeof value === 'number') return format.number(value);
    const text = String(value);
    return DAY.test(text) ? format.date(text) : INSTANT.test(text) ? format.dateTime(text) : text;
  };
  const found = verdict.actual === null ? null : told(verdict.actual);
  return (
    <div style={{ marginLeft: depth > 0 ? 18 : 0 }}>
      <Group gap="xs" wrap="nowrap" align="flex-start">
        <ThemeIcon size={20} radius="xl" variant="light" color={verdict.holds ? 'teal' : 'orange'} aria-label={t(verdict.holds ? 'segments.why_holds' : 'segments.why_fails')} role="img">
          {verdict.holds ? <IconCheck size={12} /> : <IconClose size={12} />}
        </ThemeIcon>
        <div>
          <Text size="sm" fw={group ? 600 : 500}>
            {group ? t(`segments.join_${verdict.kind}`) : verdict.kind === 'not' ? t('segments.excluded') : sentence(verdict.node as unknown as Node, t, format, { segments: names })}
          </Text>
          {!['event', 'engagement', 'sequence', 'and', 'or', 'not', 'segment', 'profiles', 'share', 'lookalike'].includes(verdict.kind) && (
            <Text size="xs" c="dimmed">{veiled ? t('sets.hidden') : found === null ? t('segments.found_nothing') : t('segments.found', { value: found })}</Text>
          )}
          {(verdict.kind === 'event' || verdict.kind === 'engagement' || verdict.kind === 'sequence') && (
            <Text size="xs" c="dimmed">
              {t('segments.found_events', { count: verdict.events ?? 0, value: found ?? format.number(verdict.events ?? 0) })}
              {verdict.examples.map((one) => ` · ${format.dateTime(one.ts)}`)}
            </Text>
          )}
        </div>
      </Group>
      <Stack gap={8} mt={verdict.parts.length > 0 ? 8 : 0}>
        {verdict.parts.map((part) => <VerdictTree key={part.path} verdict={part} depth={depth + 1} names={names} hidden={hidden} />)}
      </Stack>
    </div>
  );
}

interface SegmentWhyProps {
  /** A segment as it is published, or a tree that is not saved. */
  segmentId?: number;
  tree?: Node;
  profile: { id: number; name: string };
  onClose: () => void;
}

/** Why somebody is in a segment or is not, condition by condition. */
export function SegmentWhy({ segmentId, tree, profile, onClose }: SegmentWhyProps) {
  const { t } = useTranslation();
  const why = useQuery({
    queryKey: ['segment-why', segmentId, tree, profile.id],
    queryFn: () =>
      tree
        ? take(api.POST('/v1/segments/why', { body: { tree, profile_id: profile.id } }))
        : take(
            api.GET('/v1/segments/{segment_id}/why/{profile_id}', {
              params: { path: { segment_id: segmentId ?? 0, profile_id: profile.id } },
            }),
          ),
  });
  return (
    <Drawer opened onClose={onClose} size="lg" title={t('segments.why_title', { name: profile.name })} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <ProblemAlert error={why.error} />
      {why.isLoading && <Skeleton height={160} />}
      {why.data && (
        <Stack>
          <Alert color={why.data.holds ? 'teal' : 'orange'} variant="light">
            {tree ? t(why.data.holds ? 'sets.would_be_in' : 'sets.would_be_out') : t(why.data.holds ? 'segments.why_in' : 'segments.why_out')}
            {why.data.member !== null && why.data.holds !== why.data.member && ` ${t('segments.why_soon')}`}
            {why.data.profile_id !== profile.id && ` ${t('sets.merged_into', { id: why.data.profile_id })}`}
          </Alert>
          <VerdictTree verdict={why.data.verdict} depth={0} names={why.data.segments} hidden={why.data.hidden} />
        </Stack>
      )}
    </Drawer>
  );
}
