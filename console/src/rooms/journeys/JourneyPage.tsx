import { Alert, Box, Skeleton, Stack, Tabs } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { lazy, Suspense, useState } from 'react';
import { useMay } from '@/api/session';
import { useFormat } from '@/design/format';
import { Page } from '@/design/Page';
import { ProblemAlert } from '@/design/ProblemAlert';
import { Status } from '@/design/Status';
import { useAddress, useId } from '@/shell/address';
import { useJourney, useStepKinds, type Journey } from './api';
import { useDraft } from './draft';
import { Editor } from './Editor';
import type { Kind } from './exits';
import { JourneyActions } from './JourneyActions';
import { LiveView } from './live/LiveView';
import { Approving } from './publish/Approving';
import { PublishDialog } from './publish/PublishDialog';
import { Versions } from './publish/Versions';
import { Rename } from './Rename';
import { YamlTab } from './YamlTab';

const Rehearsals = lazy(() => import('./rehearsal/Rehearsals'));

const TABS = ['draw', 'live', 'versions', 'rehearsal', 'yaml'] as const;
type Tab = (typeof TABS)[number];

interface OpenProps {
  journey: Journey;
  kinds: ReadonlyMap<string, Kind>;
}

/** A journey that is here: its draft stays open while one looks at its other sides. */
function Open({ journey, kinds }: OpenProps) {
  const { t } = useTranslation();
  const mayWrite = useMay('journeys:write') && journey.state !== 'archived';
  const mayPublish = useMay('journeys:publish');
  const format = useFormat();
  const [address, change] = useAddress<'tab'>();
  const [publishing, setPublishing] = useState(false);
  const [renaming, setRenaming] = useState(false);
  const draft = useDraft(journey, mayWrite);
  const tab: Tab = TABS.find((one) => one === address.tab) ?? (journey.state === 'draft' || mayWrite ? 'draw' : 'live');
  return (
    <Page
      title={journey.name}
      back={{ to: '/journeys', label: t('nav.journeys') }}
      lead={journey.description || undefined}
      badge={<Status state={journey.state} size="lg" />}
      actions={<JourneyActions journey={journey} draft={draft} onPublish={() => setPublishing(true)} onRename={() => setRenaming(true)} />}
    >
      <Stack gap="sm">
        {journey.held_reason && <Alert color="orange">{t(`journeys.held.${journey.held_reason}`, { defaultValue: t('journeys.held.other', { reason: journey.held_reason }) })}</Alert>}
        {journey.state === 'paused' && (journey.kept_entries ?? 0) > 0 && <Alert color="gray">{t('journeys.kept_entries', { count: journey.kept_entries, shown: format.number(journey.kept_entries ?? 0) })}</Alert>}
        <Approving journey={journey} />
        <Tabs value={tab} onChange={(next) => change({ tab: next === 'draw' ? null : next })} keepMounted={false}>
          <Tabs.List mb="md">
            {TABS.map((one) => <Tabs.Tab key={one} value={one} disabled={one === 'live' && journey.live_version === null}>{t(`journeys.tab.${one}`)}</Tabs.Tab>)}
          </Tabs.List>
          <Tabs.Panel value="draw"><Editor journeyId={journey.id} draft={draft} kinds={kinds} everLive={journey.last_version !== null} readOnly={!mayWrite} /></Tabs.Panel>
          <Tabs.Panel value="live"><LiveView journey={journey} kinds={kinds} /></Tabs.Panel>
          <Tabs.Panel value="versions"><Versions journey={journey} kinds={kinds} mayPublish={mayPublish} /></Tabs.Panel>
          <Tabs.Panel value="rehearsal"><Suspense fallback={<Skeleton height={300} />}><Rehearsals journey={journey} draft={draft} kinds={kinds} /></Suspense></Tabs.Panel>
          <Tabs.Panel value="yaml"><YamlTab journey={journey} mayWrite={mayWrite} /></Tabs.Panel>
        </Tabs>
      </Stack>
      {publishing && <PublishDialog journey={journey} draft={draft} kinds={kinds} onClose={() => setPublishing(false)} />}
      {renaming && <Rename journey={journey} onClose={() => setRenaming(false)} />}
    </Page>
  );
}

/** One journey: drawn, rehearsed, published and watched. */
export default function JourneyPage() {
  const { t } = useTranslation();
  const id = useId();
  const stored = useJourney(id);
  const kinds = useStepKinds();
  if (stored.data && kinds) return <Open key={id} journey={stored.data} kinds={kinds} />;
  return (
    <Page title={t('journeys.journey')} back={{ to: '/journeys', label: t('nav.journeys') }}>
      <Box>
        <ProblemAlert error={stored.error} onRetry={() => void stored.refetch()} />
        {!stored.error && <Skeleton height={420} />}
      </Box>
    </Page>
  );
}
