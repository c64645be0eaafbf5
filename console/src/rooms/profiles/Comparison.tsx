import { Anchor, Button, Group, Skeleton, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, take, type Schema } from '@/api/client';
import { NOTHING, useFormat } from '@/design/format';
import { Mark } from '@/design/Mark';
import { Panel } from '@/design/Panel';
import { ProblemAlert } from '@/design/ProblemAlert';
import { useTraits, useValueTold } from '../traits/vocabulary';
import styles from './MergesPage.module.css';
import type { Decision } from './MergesPage';

type Person = Schema<'ProfileShown'>;

interface ComparisonProps {
  id: number;
  /** Absent for those who may only look. */
  onDecide?: (decision: Decision) => void;
  busy: boolean;
}

/** Two people side by side: what they share, where they differ, and what may be done about it. */
export function Comparison({ id, onDecide, busy }: ComparisonProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const told = useValueTold();
  const registry = useTraits();
  const asked = useQuery({
    queryKey: ['proposal', id],
    queryFn: () => take(api.GET('/v1/merge-proposals/{proposal_id}', { params: { path: { proposal_id: id } } })),
  });
  const found = asked.data;
  if (!found) return asked.error ? <ProblemAlert error={asked.error} onRetry={() => void asked.refetch()} /> : <Skeleton height={420} />;
  const people: Person[] = found.one.id === found.other.id ? [found.one] : [found.one, found.other];
  const name = (one: Person) => one.name || t('profiles.unnamed', { id: one.id });
  const owner = people.find((one) => one.id === found.owner_id);
  const claimant = people.find((one) => one.id !== found.owner_id);
  const kind = t(`identity.${found.kind}`, { defaultValue: found.kind });
  const question =
    found.question === 'recycled' && owner && claimant
      ? t('profiles.recycled_question', { kind, value: found.value, owner: name(owner), claimant: name(claimant) })
      : t('profiles.merge_question', { kind, value: found.value });
  const kinds = [...new Set(people.flatMap((one) => one.identities.map((identity) => identity.kind)))].sort();
  const traits = [...new Set(people.flatMap((one) => Object.keys(one.traits)))].sort();
  const values = (one: Person, of: string) => one.identities.filter((identity) => identity.kind === of);
  const also = (one: Person, of: string) => of === found.kind && people.length === 2 && found.state === 'open' && one.id !== found.owner_id;
  const text = (one: Person | undefined, trait: string): string => {
    if (one?.hidden.includes(trait)) return t('traits.hidden_short');
    const value = one?.traits[trait];
    return value === undefined || value === null ? NOTHING : told(value, registry.data?.find((each) => each.name === trait)?.type);
  };
  const differs = (trait: string) => people.length === 2 && text(people[0], trait) !== text(people[1], trait);
  return (
    <Panel
      title={question}
      hint={found.state === 'open' ? t(`profiles.hint_${found.question}`) : undefined}
      actions={
        onDecide &&
        (found.state === 'open' ? (
          <>
            <Button size="xs" loading={busy} onClick={() => onDecide('accept')}>{t(`profiles.accept_${found.question}`)}</Button>
            <Button size="xs" variant="default" disabled={busy} onClick={() => onDecide('refuse')}>{t(`profiles.refuse_${found.question}`)}</Button>
          </>
        ) : (
          <Button size="xs" variant="default" loading={busy} onClick={() => onDecide('undo')}>{t('profiles.undo_decision')}</Button>
        ))
      }
    >
      {found.state !== 'open' && (
        <Text size="sm" c="dimmed" mb="sm">
          {t(`profiles.was_${found.state}`, { who: found.decided_by ?? NOTHING, when: format.dateTime(found.decided_at) })}
        </Text>
      )}
      <Table className={styles.table} aria-label={t('profiles.side_by_side')} layout="fixed">
        <Table.Thead>
          <Table.Tr>
            <Table.Th w="24%" scope="col">{t('profiles.compared')}</Table.Th>
            {people.map((one) => (
              <Table.Th key={one.id} scope="col">
                <Group gap={6}>
                  <Anchor component={Link} to={`/customers/${one.id}`} size="sm" fw={600}>{name(one)}</Anchor>
                  {one.id === found.owner_id && <Mark colour="gray" size="sm">{t('profiles.has_it')}</Mark>}
                </Group>
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {kinds.map((of) => (
            <Table.Tr key={`identity:${of}`}>
              <Table.Th scope="row" fw={400} c="dimmed">{t(`identity.${of}`, { defaultValue: of })}</Table.Th>
              {people.map((one) => (
                <Table.Td key={one.id} className={values(one, of).some((i) => of === found.kind && i.value === found.value) ? styles.shared : undefined}>
                  {values(one, of).map((identity) => <div key={identity.value}>{identity.value}</div>)}
                  {also(one, of) && <Text size="sm" c="dimmed">{t('profiles.also_named', { value: found.value })}</Text>}
                  {values(one, of).length === 0 && !also(one, of) && NOTHING}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
          <Table.Tr>
            <Table.Th scope="row" fw={400} c="dimmed">{t('profiles.last_seen')}</Table.Th>
            {people.map((one) => <Table.Td key={one.id}>{format.dateTime(one.last_seen)}</Table.Td>)}
          </Table.Tr>
          {traits.map((trait) => (
            <Table.Tr key={`trait:${trait}`}>
              <Table.Th scope="row" fw={400} c="dimmed">{trait}</Table.Th>
              {people.map((one) => (
                <Table.Td key={one.id} className={differs(trait) ? styles.differs : styles.same}>{text(one, trait)}</Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Panel>
  );
}
