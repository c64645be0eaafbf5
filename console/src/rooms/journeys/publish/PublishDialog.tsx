import { Alert, Button, Group, List, Modal, Stack, Textarea } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '@/api/client';
import { IconPlay } from '@/design/icons';
import { ProblemAlert } from '@/design/ProblemAlert';
import { done } from '@/design/toast';
import { pathOf, useKeep, type Journey } from '../api';
import { suggestedMap } from '../diff';
import type { Draft } from '../draft';
import type { Kind } from '../exits';
import { useFindingWords } from '../Findings';
import { EMPTY, whole, type Definition } from '../model';
import { mayGoLive } from './Approving';
import { DiffView } from './DiffView';
import { TreatmentForm, usePreview, type Treatment } from './Treatment';

interface PublishDialogProps {
  journey: Journey;
  draft: Draft;
  kinds: ReadonlyMap<string, Kind>;
  onClose: () => void;
}

/** Before a draft is live: what changed, what becomes of the people inside, and a note for those who come after. */
export function PublishDialog({ journey, draft, kinds, onClose }: PublishDialogProps) {
  const { t } = useTranslation();
  const keep = useKeep();
  const [revision, setRevision] = useState<number | null>(null);
  const [unkept, setUnkept] = useState<unknown>(null);
  const [note, setNote] = useState('');
  const [treatment, setTreatment] = useState<Treatment>({ kind: 'stay' });
  const { flush, definition } = draft;
  const words = useFindingWords(definition);
  useEffect(() => {
    flush().then(setRevision, setUnkept);
    // Once, as it opens: what is drawn is kept before it is published.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  const live = useQuery({
    queryKey: ['journey-version', journey.id, journey.live_version],
    queryFn: () => take(api.GET('/v1/journeys/{journey_id}/versions/{number}', { params: { path: { journey_id: journey.id, number: journey.live_version ?? 1 } } })),
    enabled: journey.live_version !== null,
    staleTime: Infinity,
  });
  const before = useMemo(() => (live.data ? whole(live.data.definition as unknown as Partial<Definition>) : EMPTY), [live.data]);
  const preview = usePreview(journey.id, treatment, revision);
  const errors = (preview.data?.findings ?? []).filter((one) => one.level === 'error');
  const warnings = (preview.data?.findings ?? []).filter((one) => one.level !== 'error');
  const first = journey.live_version === null;
  const publish = useMutation({
    mutationFn: () => take(api.POST('/v1/journeys/{journey_id}/publish', { ...pathOf(journey.id), body: { revision: revision ?? 0, treatment, note: note.trim() } })),
    onSuccess: (published) => {
      keep(published);
      done(t('journeys.published', { version: published.live_version }));
      onClose();
    },
  });
  const asks = !mayGoLive(journey, revision);
  const submit = useMutation({
    mutationFn: () => take(api.POST('/v1/journeys/{journey_id}/submit', { ...pathOf(journey.id), body: { revision: revision ?? 0 } })),
    onSuccess: (asked) => {
      keep(asked);
      done(t('journeys.submitted'));
      onClose();
    },
  });
  const asked = journey.approval?.state === 'asked' && journey.approval.revision === revision;
  const told = (found: typeof errors) => <List size="sm">{found.map((one) => <List.Item key={one.code + one.place}>{words(one)}</List.Item>)}</List>;
  return (
    <Modal opened onClose={onClose} size={1080} title={first ? t('journeys.launch_title', { name: journey.name }) : t('journeys.publish_title', { version: (journey.last_version ?? 0) + 1 })} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <Stack>
        <ProblemAlert error={unkept ?? publish.error ?? submit.error} />
        {errors.length > 0 && <Alert color="red" title={t('journeys.cannot_go_live')}>{told(errors)}</Alert>}
        {errors.length === 0 && warnings.length > 0 && <Alert color="yellow" title={t('journeys.know_first')}>{told(warnings)}</Alert>}
        {asks && <Alert color="yellow">{t(asked ? 'journeys.approval_asked' : 'journeys.needs_approval')}</Alert>}
        {!first && live.data && <DiffView before={before} after={definition} kinds={kinds} names={[t('journeys.version_n', { version: journey.live_version }), t('state.draft')]} />}
        {!first && <TreatmentForm value={treatment} preview={preview} before={before} after={definition} suggested={suggestedMap(before, definition)} onChange={setTreatment} />}
        <Textarea label={t('journeys.note')} description={t('journeys.note_hint')} maxLength={2000} autosize minRows={2} value={note} onChange={(event) => setNote(event.currentTarget.value)} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
          {asks && <Button loading={submit.isPending} disabled={revision === null || !preview.data || errors.length > 0 || asked} onClick={() => submit.mutate()}>{t('campaigns.submit')}</Button>}
          {!asks && <Button leftSection={<IconPlay size={16} />} loading={publish.isPending} disabled={revision === null || !preview.data || errors.length > 0 || preview.data.lost > 0} onClick={() => publish.mutate()}>
            {t(first ? 'journeys.launch' : 'journeys.publish')}
          </Button>}
        </Group>
      </Stack>
    </Modal>
  );
}
