import { Group, List, Skeleton, Stack, Text, ThemeIcon } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { useFormat } from '@/design/format';
import { IconAlert, IconCheck, IconInfo } from '@/design/icons';
import { ProblemAlert } from '@/design/ProblemAlert';
import { askOf, type Draft } from './draft';
import { Mark } from '@/design/Mark';

/** What is wrong with a draft, asked when its author pauses; not before the draft is `ready`, so of nothing but it. */
export function useChecks(draft: Draft, ready: boolean) {
  const current = askOf(draft);
  const [source] = useDebouncedValue(current, 700);
  return useQuery({
    enabled: ready && JSON.stringify(source) === JSON.stringify(current),
    queryKey: ['template-check', source],
    queryFn: () => take(api.POST('/v1/templates/check', { body: source })),
    placeholderData: keepPreviousData,
    retry: false,
  });
}

type Found = NonNullable<ReturnType<typeof useChecks>['data']>['findings'][number];

/** A finding in the reader's language; the server's own words where the catalogue has none. */
function useFinding(): (one: Found) => string {
  const { t } = useTranslation();
  const format = useFormat();
  return ({ code, detail, facts = {} }) =>
    t(`finding.${code}`, {
      ...facts,
      why: facts.why ? t(`finding.fault.${facts.why}`) : '',
      share: format.percent(Number(facts.share), 1),
      defaultValue: detail,
    });
}

/** What would go wrong if this were sent: missing traits, broken links, faults of the language. */
export function Checks({ checks }: { checks: ReturnType<typeof useChecks> }) {
  const { t } = useTranslation();
  const format = useFormat();
  const say = useFinding();
  const found = checks.data;
  if (checks.error) return <ProblemAlert error={checks.error} />;
  if (!found) return <Skeleton height={120} />;
  return (
    <Stack gap="md" p="md">
      {found.findings.length === 0 && (
        <Group gap="xs">
          <ThemeIcon color="teal" variant="light" radius="xl" size="sm"><IconCheck size={13} /></ThemeIcon>
          <Text size="sm">{t('content.no_findings')}</Text>
        </Group>
      )}
      {found.findings.map((one, place) => (
        <Group key={place} gap="sm" wrap="nowrap" align="flex-start">
          <ThemeIcon color={one.severity === 'error' ? 'red' : 'yellow'} variant="light" radius="xl" size="sm">
            {one.severity === 'error' ? <IconAlert size={13} /> : <IconInfo size={13} />}
          </ThemeIcon>
          <div>
            <Text size="sm">{say(one)}</Text>
            <Text size="xs" c="dimmed">
              {t(`content.part_${one.part}`)}
              {one.line ? ` · ${t('content.line', { line: one.line })}` : ''}
            </Text>
          </div>
        </Group>
      ))}
      {found.traits.length > 0 && (
        <div>
          <Text size="sm" fw={600} mb={6}>{t('content.traits_used')}</Text>
          <Stack gap={6}>
            {found.traits.map((use) => (
              <Group key={use.name} justify="space-between">
                <Text size="sm">{use.name}</Text>
                <Group gap={6}>
                  {use.missing_share !== null && use.missing_share !== undefined && use.missing_share > 0 && (
                    <Text size="xs" c="dimmed">{t('content.missing', { share: format.percent(use.missing_share, 1) })}</Text>
                  )}
                  <Mark colour={use.has_default ? 'teal' : 'gray'}>{use.has_default ? t('content.has_default') : t('content.no_default')}</Mark>
                </Group>
              </Group>
            ))}
          </Stack>
        </div>
      )}
      {found.links.length > 0 && (
        <div>
          <Text size="sm" fw={600} mb={6}>{t('content.links', { count: found.links.length })}</Text>
          <List size="sm" spacing={4}>
            {found.links.map((link, place) => <List.Item key={place} style={{ overflowWrap: 'anywhere' }}>{link.url}</List.Item>)}
          </List>
        </div>
      )}
    </Stack>
  );
}
