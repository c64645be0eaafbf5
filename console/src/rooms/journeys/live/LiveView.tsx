import { Button, Group, Select, SimpleGrid, Skeleton, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { ReactFlowProvider } from '@xyflow/react';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { EmptyState } from '@/design/EmptyState';
import { useFormat } from '@/design/format';
import { IconCustomers, IconDoor, IconHistory, IconPeople, IconStop, IconTarget } from '@/design/icons';
import { Moment } from '@/design/Moment';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Stat } from '@/design/Stat';
import { pathOf, type Journey } from '../api';
import { Canvas } from '../canvas/Canvas';
import { useKeys } from '../canvas/keys';
import { ENTRANCE } from '../canvas/nodes';
import { arrowOf, type Around, type Numbers } from '../canvas/state';
import { Toolbar } from '../canvas/Toolbar';
import { KeysHelp } from '../canvas/KeysHelp';
import { exitsOf, type Kind } from '../exits';
import { placesOf } from '../layout';
import { whole, type Definition } from '../model';
import { useVersion } from '../publish/Versions';
import { Outcomes, useNotIn, useReason } from './Outcomes';
import { People } from './People';
import styles from '../canvas/canvas.module.css';

const NONE: never[] = [];
const UNCHANGED = new Map<never, never>();
const nothing = () => undefined;
/** How the way in is called among steps. */
const ENTRY = 'entry';

interface WatchProps {
  journey: Journey;
  kinds: ReadonlyMap<string, Kind>;
}

function Watch({ journey, kinds }: WatchProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const reason = useReason();
  const notIn = useNotIn();
  const [number, setNumber] = useState<number | null>(null);
  const [selected, setSelected] = useState<string[]>([]);
  const [people, setPeople] = useState<{ step?: string; exit?: string } | null>(null);
  const [helping, setHelping] = useState(false);
  const wanted = number ?? journey.live_version ?? journey.last_version;
  const version = useVersion(journey.id, wanted);
  const counts = useQuery({
    queryKey: ['journey-counts', journey.id, wanted],
    queryFn: () => take(api.GET('/v1/journeys/{journey_id}/counts', { params: { path: { journey_id: journey.id }, query: { version: wanted ?? undefined } } })),
    enabled: wanted !== null,
    refetchInterval: 2000,
    placeholderData: (before) => before,
  });
  const versions = useQuery({ queryKey: ['journey-versions', journey.id], queryFn: () => take(api.GET('/v1/journeys/{journey_id}/versions', pathOf(journey.id))) });
  const definition = useMemo(() => (version.data ? whole(version.data.definition as unknown as Partial<Definition>) : null), [version.data]);
  const found = counts.data;
  const of = (how: string) => (found?.arrows ?? []).filter((one) => one.how === how);
  const sum = (how: string) => of(how).reduce((all, one) => all + one.people, 0);
  const numbers: Numbers = useMemo(() => {
    const went = new Map<string, number>();
    for (const one of found?.arrows ?? []) if (one.how === 'went') went.set(arrowOf(one.step, one.did), (went.get(arrowOf(one.step, one.did)) ?? 0) + one.people);
    const waiting = new Map<string, number>();
    for (const one of found?.waiting ?? []) if (one.version === wanted) waiting.set(one.step, (waiting.get(one.step) ?? 0) + one.people);
    const entered = (found?.arrows ?? []).filter((one) => one.step === ENTRY && one.how === 'entered').reduce((all, one) => all + one.people, 0);
    return { entered, arrows: went, waiting };
  }, [found, wanted]);
  const places = useMemo(() => (definition ? placesOf(definition, (step) => exitsOf(step, kinds)) : {}), [definition, kinds]);
  const around: Around | null = useMemo(
    () =>
      definition && {
        definition,
        kinds,
        readOnly: true,
        findings: NONE,
        changes: UNCHANGED,
        numbers,
        onNumber: (step: string, exit?: string) => setPeople({ step, exit }),
        onEdit: nothing,
        onOpen: (key: string) => setPeople(key === ENTRANCE ? {} : { step: key }),
      },
    [definition, kinds, numbers],
  );
  const onKeyDown = useKeys({
    definition: definition ?? whole({}),
    places,
    selected,
    onSelect: setSelected,
    verbs: { open: (key) => setPeople(key === ENTRANCE ? {} : { step: key }), help: () => setHelping(true), close: () => setSelected([]) },
  });
  if (wanted === null) return <EmptyState icon={IconHistory} title={t('journeys.no_versions')}>{t('journeys.no_versions_hint')}</EmptyState>;
  if (!definition || !around) return version.error ? <ProblemAlert error={version.error} /> : <Skeleton height={420} />;
  const elsewhere = (found?.waiting ?? []).filter((one) => one.version !== wanted).reduce((all, one) => all + one.people, 0);
  return (
    <Stack gap="sm">
      <ProblemAlert error={counts.error} />
      <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm">
        <Stat icon={IconPeople} label={t('journeys.inside')} value={format.number(found?.inside)} note={elsewhere > 0 ? t('journeys.elsewhere', { count: elsewhere, shown: format.number(elsewhere) }) : undefined} />
        <Stat icon={IconDoor} label={t('journeys.entered')} value={format.number(numbers.entered)} note={sum('refused') > 0 ? <>{t('journeys.refused_n', { count: sum('refused'), shown: format.number(sum('refused')) })}: <Outcomes arrows={of('refused')} word={notIn} /></> : undefined} />
        <Stat icon={IconTarget} label={t('journeys.converted')} value={format.number(sum('goal'))} note={numbers.entered ? format.percent(sum('goal'), numbers.entered) : undefined} />
        <Stat icon={IconStop} label={t('journeys.left')} value={format.number(sum('left'))} note={<Outcomes arrows={of('left')} word={reason} />} />
      </SimpleGrid>
      <div className={styles.desk} data-short>
        <Toolbar editing={false} help={() => setHelping(true)}>
          <Button size="compact-sm" variant="subtle" leftSection={<IconCustomers size={14} />} onClick={() => setPeople({})}>{t('journeys.everybody_inside')}</Button>
          {(versions.data?.items.length ?? 0) > 1 && (
            <Select
              size="xs"
              w={150}
              aria-label={t('journeys.version')}
              allowDeselect={false}
              data={(versions.data?.items ?? []).map((one) => ({ value: String(one.number), label: one.live ? t('journeys.version_live', { version: one.number }) : t('journeys.version_n', { version: one.number }) }))}
              value={wanted === null ? null : String(wanted)}
              onChange={(picked) => setNumber(Number(picked))}
            />
          )}
        </Toolbar>
        <div className={styles.floor}>
          <div className={styles.middle} onKeyDown={onKeyDown} data-board tabIndex={-1}>
            <Canvas label={t('journeys.board_live')} around={around} places={places} selected={selected} onSelect={setSelected} />
          </div>
        </div>
        <Group className={styles.foot}>{found && <span>{t('journeys.as_of')} <Moment at={found.as_of} /></span>}</Group>
      </div>
      {people && <People journey={journey} definition={definition} version={wanted} step={people.step} exit={people.exit} numbers={numbers} kinds={kinds} onStep={(exit) => setPeople({ step: people.step, exit })} onClose={() => setPeople(null)} />}
      {helping && <KeysHelp onClose={() => setHelping(false)} />}
    </Stack>
  );
}

/** A version as it runs: how many went which way, who waits where, and everybody behind a number. */
export function LiveView(props: WatchProps) {
  return <ReactFlowProvider><Watch {...props} /></ReactFlowProvider>;
}
